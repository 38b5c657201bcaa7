-- Gives an epoch above all that were given or stored. KEYS: epoch, meta.
local given = tonumber(redis.call('GET', KEYS[1])) or 0
local stored = tonumber(redis.call('HGET', KEYS[2], 'epoch')) or 0
local next = string.format('%.0f', math.max(given, stored) + 1)
redis.call('SET', KEYS[1], next)
return next
