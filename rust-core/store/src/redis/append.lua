-- Appends a record under the number after the last. KEYS: ledger. ARGV: record, limit.
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local seq = (last and tonumber(string.match(last[1], '^%d+')) or 0) + 1
local number = string.format('%.0f', seq)
redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], number .. '-0', 'record', ARGV[1])
return number
