-- Puts the state of an instance where Redis has none, or an older one and no command since.
-- Arguments: fingerprint, lineage, position, shared time or 0, settling time, tick, hash, instance, state.
local fingerprint, lineage, position, tick = ARGV[1], ARGV[2], number(ARGV[3]), number(ARGV[6])
if head.fingerprint and head.fingerprint ~= fingerprint then
  return { 'foreign', head.fingerprint }
end
if head.lineage and not (head.accepted == '0' and position > number(head.position)) then
  return { 'again' }
end
local us = shared_time(number(ARGV[4]))
local run = server_run()
if head.run ~= run then
  redis.call('HSET', HEAD, 'run', run, 'settled', text(us + number(ARGV[5])))
end
redis.call('HSET', HEAD, 'fingerprint', fingerprint, 'lineage', lineage, 'parent', '', 'fork', '0',
  'accepted', '0', 'position', text(position), 'effective', text(tick + 3))
redis.call('DEL', LOG)
redis.call('HSET', SNAPSHOT, 'position', text(position), 'tick', text(tick), 'hash', ARGV[7],
  'instance', ARGV[8], 'state', ARGV[9])
return { 'restored' }
