-- What all scripts begin with. Keys: head, log, snapshot, instances.
local HEAD, LOG, SNAPSHOT, INSTANCES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local SECOND_US = 1000000
local TICK_US = 100000

local function read(key)
  local map, flat = {}, redis.call('HGETALL', key)
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end

local head = read(HEAD)

local function text(number) return string.format('%.0f', number) end
local function number(value) return tonumber(value or '0') end

-- The shared time in microseconds: TIME, shifted so that it never runs backwards, whatever becomes
-- of the machine's clock, and not behind `floor`, which an instance has shown already.
local function shared_time(floor)
  local time = redis.call('TIME')
  local us = time[1] * SECOND_US + time[2] + number(head.shift)
  local last = number(head.last)
  if us + SECOND_US / 50 < floor then last = math.max(last, floor) end
  if us < last then
    redis.call('HSET', HEAD, 'shift', text(number(head.shift) + last - us))
    us = last
  end
  redis.call('HSET', HEAD, 'last', text(us))
  return us
end

-- The server's own id, another one after each restart.
local function server_run()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or 'unknown'
end

-- Whether the log goes on from `position` of `lineage`.
local function continues(lineage, position)
  if lineage == '' then return false end
  return (lineage == head.lineage and position <= number(head.position))
    or (lineage == head.parent and position <= number(head.fork))
end
