-- The snapshot to go on from, and the lineage of the log after it. Argument: fingerprint.
if head.fingerprint ~= ARGV[1] or not head.lineage then return {} end
local snapshot = read(SNAPSHOT)
if not snapshot.state then return {} end
return { head.lineage, snapshot.position, snapshot.tick, snapshot.hash, snapshot.state }
