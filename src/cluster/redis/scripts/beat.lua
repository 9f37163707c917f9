-- Tells how an instance stands and asks how the others and the log do.
-- Arguments: instance, what it tells, after how long it is forgotten.
local us = shared_time(0)
redis.call('HSET', INSTANCES, ARGV[1], text(us) .. ' ' .. ARGV[2])
local others, all = {}, redis.call('HGETALL', INSTANCES)
for i = 1, #all, 2 do
  local seen, told = string.match(all[i + 1], '^(%d+) (.*)$')
  local age = us - number(seen)
  if not seen or age > number(ARGV[3]) then
    redis.call('HDEL', INSTANCES, all[i])
  elseif all[i] ~= ARGV[1] then
    others[#others + 1] = text(math.max(age, 0))
    others[#others + 1] = told
  end
end
local snapshot = redis.call('HMGET', SNAPSHOT, 'tick', 'instance')
return {
  text(us), head.fingerprint or '', head.lineage or '', head.parent or '', head.fork or '0',
  head.position or '0', text(math.max(number(head.settled) - us, 0)),
  snapshot[1] or '0', snapshot[2] or '',
  redis.call('HSTRLEN', SNAPSHOT, 'state'), others,
}
