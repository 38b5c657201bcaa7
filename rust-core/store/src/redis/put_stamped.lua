-- Keeps bytes under a key as "term number bytes", unless a later term, or another writer in this one,
-- has written it.
-- KEYS: stamped. ARGV: key, term, number within the term, whether it is written anew or sent again,
-- bytes, how many numbers a writer has. What is written anew in its own term always gets the last number; what is sent again must not
-- replace what was written since. Returns the term that stands in the way, or nothing.
local term, number = tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HGET', KEYS[1], ARGV[1])
local head, kept_term, kept_number
if kept then
  head, kept_term, kept_number = string.match(kept, '^((%d+) (%d+) )')
end
if head then
  kept_term, kept_number = tonumber(kept_term), tonumber(kept_number)
  local function writer(of) return math.floor(of / tonumber(ARGV[6])) end
  if kept_term > term or kept_term == term and writer(kept_number) ~= writer(number) then
    return string.format('%.0f', kept_term)
  end
  if kept_term == term and kept_number >= number then
    if ARGV[4] ~= 'anew' or string.sub(kept, #head + 1) == ARGV[5] then
      return false
    end
    number = kept_number + 1
  end
end
local value = string.format('%.0f %.0f ', term, number) .. ARGV[5]
redis.call('HSET', KEYS[1], ARGV[1], value)
return false
