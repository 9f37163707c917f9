-- Takes a newer snapshot and trims the log behind it.
-- Arguments: fingerprint, lineage, position, tick, hash, instance, state, entries kept behind it.
local position, tick = number(ARGV[3]), number(ARGV[4])
if head.fingerprint ~= ARGV[1] or not continues(ARGV[2], position) then return 'reopen' end
if tick <= number(redis.call('HGET', SNAPSHOT, 'tick')) then return 'older' end
-- Commands to come must not take effect before it: they are placed later than the present tick.
if tick > math.floor(shared_time(0) / TICK_US) + 2 then return 'early' end
if position < number(head.position) then
  local id = text(position + 1) .. '-0'
  local next = redis.call('XRANGE', LOG, id, id)[1]
  if not next or number(next[2][2]) <= tick then return 'behind' end
end
redis.call('HSET', SNAPSHOT, 'position', text(position), 'tick', text(tick), 'hash', ARGV[5],
  'instance', ARGV[6], 'state', ARGV[7])
local oldest = position + 1 - number(ARGV[8])
if oldest > 0 then redis.call('XTRIM', LOG, 'MINID', text(oldest) .. '-0') end
return 'put'
