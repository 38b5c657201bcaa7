-- Forgets a table, but for a month not its epoch: a topology that comes back must not be fenced by
-- its own past. KEYS: epoch, meta, components, nodes, ports. ARGV: seconds.
local given = tonumber(redis.call('GET', KEYS[1])) or 0
local stored = tonumber(redis.call('HGET', KEYS[2], 'epoch')) or 0
local last = math.max(given, stored)
if last > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', last), 'EX', ARGV[1])
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
return false
