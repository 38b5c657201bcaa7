-- Gives a term its next epoch, above all that were given, stored or removed, unless a later term has
-- one or the term has no more. KEYS: epoch, meta, removed. ARGV: term, epochs in a term, seconds.
-- Returns the last epoch before it.
local given = tonumber(redis.call('GET', KEYS[1])) or 0
local stored = tonumber(redis.call('HGET', KEYS[2], 'epoch')) or 0
local removed = tonumber(redis.call('GET', KEYS[3])) or 0
local last = math.max(given, stored, removed)
local first = tonumber(ARGV[1]) * tonumber(ARGV[2])
local next = math.max(last + 1, first)
if next < first + tonumber(ARGV[2]) then
  redis.call('SET', KEYS[1], string.format('%.0f', next), 'EX', ARGV[3])
end
return string.format('%.0f', last)
