-- Gives a command its place and its tick.
-- Arguments: fingerprint, lineage, position, deadline, origin, command, a lineage to be, lead in ticks.
local fingerprint, lineage = ARGV[1], ARGV[2]
if not head.lineage or head.run ~= server_run() then return { 'reopen' } end
if head.fingerprint ~= fingerprint then return { 'foreign', head.fingerprint } end
local us = shared_time(0)
if us > number(ARGV[4]) then return { 'expired' } end
if us < number(head.settled) then return { 'settling', text(number(head.settled) - us) } end
if not continues(lineage, number(ARGV[3])) then return { 'reopen' } end
if head.accepted ~= '1' then
  -- From here on another instance's memory of more, from before a restart, is another history.
  redis.call('HSET', HEAD, 'accepted', '1', 'parent', head.lineage, 'fork', head.position,
    'lineage', ARGV[7])
  head.lineage = ARGV[7]
end
local position = number(head.position) + 1
local effective = math.max(math.floor(us / TICK_US) + number(ARGV[8]), number(head.effective))
redis.call('XADD', LOG, text(position) .. '-0', 'effective', text(effective), 'command', ARGV[6],
  'origin', ARGV[5], 'lineage', head.lineage)
redis.call('HSET', HEAD, 'position', text(position), 'effective', text(effective))
return { 'appended', text(position) }
