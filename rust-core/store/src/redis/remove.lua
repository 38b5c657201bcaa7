-- Forgets a table unless a later one than the remover knows is stored, and remembers for a month up
-- to which epoch it was removed: others learn from it that the table is not lost, and those who led
-- before the remover cannot bring it back.
-- KEYS: epoch, removed, meta, components, nodes, ports. ARGV: epoch of the remover's table or nothing,
-- the last epoch of the terms before the remover's, seconds.
-- Returns the epoch that stands in the way, or nothing.
local known = tonumber(ARGV[1])
local stored = tonumber(redis.call('HGET', KEYS[3], 'epoch')) or 0
if known and stored > known then
  return string.format('%.0f', stored)
end
local given = tonumber(redis.call('GET', KEYS[1])) or 0
local removed = tonumber(redis.call('GET', KEYS[2])) or 0
local last = math.max(given, stored, removed, known or 0, tonumber(ARGV[2]))
if last > 0 then
  redis.call('SET', KEYS[2], string.format('%.0f', last), 'EX', ARGV[3])
end
redis.call('DEL', KEYS[1], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
return false
