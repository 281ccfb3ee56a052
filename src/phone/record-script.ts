import { script } from '../platform/redis.ts';

/*
 * A record is a hash: replid, purpose (with whom it is reserved to), phone, phone_key, era, addr, send,
 * kid, mac, expires (ms), checks, code_id, confirmed, index. The index of a number and purpose is a
 * hash too: 'id:<id>' for every living id, 'addr:<address>' for the newest id that was requested from
 * an address.
 */

export const SAVE = script(
  'phone.save',
  `-- KEYS: the record, the index of its number and purpose
-- ARGV: replication id, id, purpose, phone, address, send id, kid, mac, code end (ms), life (ms), phone
-- key, era
-- returns 1
redis.call('HSET', KEYS[1], 'replid', ARGV[1], 'purpose', ARGV[3], 'phone', ARGV[4], 'addr', ARGV[5],
  'send', ARGV[6], 'kid', ARGV[7], 'mac', ARGV[8], 'expires', ARGV[9], 'checks', 0,
  'code_id', ARGV[2], 'index', KEYS[2], 'phone_key', ARGV[11], 'era', ARGV[12])
redis.call('PEXPIRE', KEYS[1], ARGV[10])
redis.call('HSET', KEYS[2], 'id:' .. ARGV[2], 1, 'addr:' .. ARGV[5], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[10])
return 1`,
);

export const CHECK = script(
  'phone.check',
  `-- KEYS: the record that was presented
-- ARGV: replication id, id, purpose, now (ms), checks per code
-- returns {'counted', code id, phone, send id, kid, mac, checks left} or {why not}
local record = redis.call('HMGET', KEYS[1], 'replid', 'purpose', 'phone', 'addr', 'index', 'confirmed')
if record[1] ~= ARGV[1] or record[2] ~= ARGV[3] then return {'unknown'} end
local code_id = ARGV[2]
if not record[6] then
  code_id = redis.call('HGET', record[5], 'addr:' .. record[4]) or ARGV[2]
end
local key = 'verification:' .. code_id
local code = redis.call('HMGET', key, 'replid', 'send', 'kid', 'mac', 'expires', 'checks', 'code_id')
if code[1] ~= ARGV[1] then return {'expired'} end
if tonumber(code[5]) <= tonumber(ARGV[4]) then return {'expired'} end
if tonumber(code[6]) >= tonumber(ARGV[5]) then return {'exhausted'} end
local used = redis.call('HINCRBY', key, 'checks', 1)
return {'counted', code[7], record[3], code[2], code[3], code[4], tostring(tonumber(ARGV[5]) - used)}`,
);

export const UNCOUNT = script(
  'phone.uncount',
  `-- KEYS: the record whose code was counted
-- returns its checks, or 0 when it is gone
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], 'checks', -1)`,
);

export const CONFIRM = script(
  'phone.confirm',
  `-- KEYS: the record that was presented
-- ARGV: replication id, id, id of the code that was right
-- returns 1, or 0 when the record is gone (a confirm of another id ended it)
local record = redis.call('HMGET', KEYS[1], 'replid', 'index', 'confirmed')
if record[1] ~= ARGV[1] then return 0 end
if record[3] then return 1 end
local code = redis.call('HMGET', 'verification:' .. ARGV[3], 'send', 'kid', 'mac', 'expires', 'checks',
  'era')
if code[1] and ARGV[3] ~= ARGV[2] then
  redis.call('HSET', KEYS[1], 'code_id', ARGV[3], 'send', code[1], 'kid', code[2], 'mac', code[3],
    'expires', code[4], 'checks', code[5], 'era', code[6] or '0')
end
redis.call('HSET', KEYS[1], 'confirmed', 1)
for _, field in ipairs(redis.call('HKEYS', record[2])) do
  if string.sub(field, 1, 3) == 'id:' and field ~= 'id:' .. ARGV[2] then
    redis.call('DEL', 'verification:' .. string.sub(field, 4))
  end
end
redis.call('DEL', record[2])
redis.call('HSET', record[2], 'id:' .. ARGV[2], 1)
redis.call('PEXPIRE', record[2], redis.call('PTTL', KEYS[1]))
return 1`,
);

export const READ = script(
  'phone.read',
  `-- KEYS: a record
-- ARGV: replication id, purpose
-- returns {'confirmed', phone, phone key, era}, {'unconfirmed'} or {'unknown'}
local record = redis.call('HMGET', KEYS[1], 'replid', 'purpose', 'phone', 'confirmed', 'phone_key', 'era')
if record[1] ~= ARGV[1] or record[2] ~= ARGV[2] then return {'unknown'} end
if not record[4] then return {'unconfirmed'} end
return {'confirmed', record[3], record[5] or '', record[6] or '0'}`,
);

export const FORGET = script(
  'phone.forget',
  `-- KEYS: a record
-- returns how many were deleted
return redis.call('DEL', KEYS[1])`,
);
