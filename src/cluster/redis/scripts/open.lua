-- How an instance that has just connected is to go on.
-- Arguments: fingerprint, lineage ('' for none), position, shared time as it knows it or 0, settling time.
local fingerprint, lineage, position = ARGV[1], ARGV[2], number(ARGV[3])
if head.fingerprint and head.fingerprint ~= fingerprint then
  return { 'foreign', head.fingerprint }
end
local us = shared_time(number(ARGV[4]))
if not head.lineage then return { 'empty' } end
local run = server_run()
if head.run ~= run then
  -- The server was restarted with what it had saved: whoever has seen more may say so first.
  redis.call('HSET', HEAD, 'run', run, 'accepted', '0', 'settled', text(us + number(ARGV[5])))
  head.accepted = '0'
end
if head.accepted == '0' and lineage ~= '' and position > number(head.position) then
  return { 'restore' }
end
if continues(lineage, position) then return { 'follow' } end
return { 'resync' }
