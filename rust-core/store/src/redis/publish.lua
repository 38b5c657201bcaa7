-- Stores a table whole, unless another one of the same or a later epoch is there or was removed.
-- KEYS: meta, components, nodes, ports, removed.
-- ARGV: epoch, digest, layout, plan, at, then executor, component, node, port for each row.
-- Returns the epoch that stands in the way, or nothing.
local offered = tonumber(ARGV[1])
local stored = tonumber(redis.call('HGET', KEYS[1], 'epoch'))
if stored and (stored > offered
    or stored == offered and redis.call('HGET', KEYS[1], 'digest') ~= ARGV[2]) then
  return string.format('%.0f', stored)
end
local removed = not stored and tonumber(redis.call('GET', KEYS[5]))
if removed and removed >= offered then
  return string.format('%.0f', removed)
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'digest', ARGV[2], 'layout', ARGV[3],
  'plan', ARGV[4], 'at', ARGV[5])
-- Lua cannot pass on more than some 8000 arguments at once.
local ROWS, STEP = 1000, 4
for start = 6, #ARGV, ROWS * STEP do
  for column = 1, 3 do
    local fields = {}
    for i = start, math.min(start + ROWS * STEP - 1, #ARGV), STEP do
      fields[#fields + 1] = ARGV[i]
      fields[#fields + 1] = ARGV[i + column]
    end
    redis.call('HSET', KEYS[1 + column], unpack(fields))
  end
end
return false
