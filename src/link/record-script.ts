import { script } from '../platform/redis.ts';

/*
 * A challenge is a hash: replid, trail (every state so far, separated by spaces), ends (ms), key and
 * key_hash (the new device's ephemeral key), device (JSON), prefix (of its address), made (ms),
 * number (hash of the 2 digits), left (QR codes that it may still have), qr_ends (ms), and once it is
 * scanned account, session and scanner (its device). The last state of the trail is the present one;
 * `collecting` is an approved challenge whose new device has proven itself.
 */

export const SAVE = script(
  'link.save',
  `-- KEYS: the challenge
-- ARGV: replication id, now (ms), life (ms), then field and value of everything else
-- returns 1
redis.call('HSET', KEYS[1], 'replid', ARGV[1], 'trail', 'waiting', 'made', ARGV[2], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`,
);

export const LOOK = script(
  'link.look',
  `-- KEYS: challenges
-- ARGV: replication id, now (ms)
-- returns {trail, ends (ms)} for each, {} for those that are over or of another primary
local seen = {}
for i, key in ipairs(KEYS) do
  local record = redis.call('HMGET', key, 'replid', 'trail', 'ends')
  local lives = record[1] == ARGV[1] and tonumber(record[3]) > tonumber(ARGV[2])
  seen[i] = lives and {record[2], record[3]} or {}
end
return seen`,
);

export const READ = script(
  'link.read',
  `-- KEYS: the challenge
-- ARGV: replication id, now (ms)
-- returns {trail, ends (ms), key, key hash, left, device, account, session}, {} when it is gone
local record = redis.call('HMGET', KEYS[1], 'replid', 'trail', 'ends', 'key', 'key_hash', 'left', 'device',
  'account', 'session')
if record[1] ~= ARGV[1] or tonumber(record[3]) <= tonumber(ARGV[2]) then return {} end
return {record[2], record[3], record[4], record[5], record[6], record[7], record[8] or '', record[9] or ''}`,
);

export const REISSUE = script(
  'link.reissue',
  `-- KEYS: the challenge
-- ARGV: replication id, now (ms), codes left before this one, end of the new one (ms)
-- returns 'reissued', 'refused' (scanned already, another code was made meanwhile, none is left) or 'gone'
local record = redis.call('HMGET', KEYS[1], 'replid', 'trail', 'ends', 'left')
if record[1] ~= ARGV[1] or tonumber(record[3]) <= tonumber(ARGV[2]) then return 'gone' end
local state = string.match(record[2], '%a+$')
if state == 'scanned' or state == 'approved' or state == 'collecting' then return 'refused' end
if state ~= 'waiting' then return 'gone' end
if record[4] ~= ARGV[3] or tonumber(record[4]) < 1 then return 'refused' end
redis.call('HSET', KEYS[1], 'left', tonumber(record[4]) - 1, 'qr_ends', ARGV[4])
return 'reissued'`,
);

export const SCAN = script(
  'link.scan',
  `-- KEYS: the challenge
-- ARGV: replication id, now (ms), key hash, codes left, account, session, device of who scans
-- returns {'scanned', device, prefix, made (ms), ends (ms)}, {'expired'}, {'gone'}, {'scanned_before'}, or
-- {'killed', account, session, device} of who had scanned it
local record = redis.call('HMGET', KEYS[1], 'replid', 'trail', 'ends', 'key_hash', 'left', 'qr_ends',
  'device', 'prefix', 'made', 'account', 'session', 'scanner')
if record[1] ~= ARGV[1] or tonumber(record[3]) <= tonumber(ARGV[2]) then return {'gone'} end
if record[4] ~= ARGV[3] then return {'gone'} end
local state = string.match(record[2], '%a+$')
if state == 'waiting' then
  if record[5] ~= ARGV[4] or tonumber(record[6]) <= tonumber(ARGV[2]) then return {'expired'} end
  redis.call('HSET', KEYS[1], 'trail', record[2] .. ' scanned', 'account', ARGV[5], 'session', ARGV[6],
    'scanner', ARGV[7])
  return {'scanned', record[7], record[8], record[9], record[3]}
end
if state ~= 'scanned' and state ~= 'approved' then return {'scanned_before'} end
redis.call('HSET', KEYS[1], 'trail', record[2] .. ' killed')
return {'killed', record[10], record[11], record[12]}`,
);

export const APPROVE = script(
  'link.approve',
  `-- KEYS: the challenge
-- ARGV: replication id, now (ms), account, session, then hashes of the number under each pepper
-- returns 'approved', 'wrong', 'not_yours', 'decided' or 'gone'; a wrong number ends the challenge
local record = redis.call('HMGET', KEYS[1], 'replid', 'trail', 'ends', 'account', 'session', 'number')
if record[1] ~= ARGV[1] or tonumber(record[3]) <= tonumber(ARGV[2]) then return 'gone' end
if record[4] ~= ARGV[3] or record[5] ~= ARGV[4] then return 'not_yours' end
local state = string.match(record[2], '%a+$')
if state == 'approved' or state == 'collecting' then return 'decided' end
if state ~= 'scanned' then return 'gone' end
for i = 5, #ARGV do
  if ARGV[i] == record[6] then
    redis.call('HSET', KEYS[1], 'trail', record[2] .. ' approved')
    return 'approved'
  end
end
redis.call('HSET', KEYS[1], 'trail', record[2] .. ' declined')
return 'wrong'`,
);

export const DECLINE = script(
  'link.decline',
  `-- KEYS: the challenge
-- ARGV: replication id, now (ms), account
-- returns 'declined', 'not_yours', 'decided' or 'gone'
local record = redis.call('HMGET', KEYS[1], 'replid', 'trail', 'ends', 'account')
if record[1] ~= ARGV[1] or tonumber(record[3]) <= tonumber(ARGV[2]) then return 'gone' end
if record[4] ~= ARGV[3] then return 'not_yours' end
local state = string.match(record[2], '%a+$')
if state == 'approved' or state == 'collecting' then return 'decided' end
if state ~= 'scanned' then return 'gone' end
redis.call('HSET', KEYS[1], 'trail', record[2] .. ' declined')
return 'declined'`,
);

export const COLLECT = script(
  'link.collect',
  `-- KEYS: the challenge
-- ARGV: replication id, now (ms)
-- returns 'collecting' (from now on a scan kills it no more), 'undecided' or 'gone'
local record = redis.call('HMGET', KEYS[1], 'replid', 'trail', 'ends')
if record[1] ~= ARGV[1] or tonumber(record[3]) <= tonumber(ARGV[2]) then return 'gone' end
local state = string.match(record[2], '%a+$')
if state == 'waiting' or state == 'scanned' then return 'undecided' end
if state == 'approved' then redis.call('HSET', KEYS[1], 'trail', record[2] .. ' collecting') end
return (state == 'approved' or state == 'collecting') and 'collecting' or 'gone'`,
);

export const COMPLETE = script(
  'link.complete',
  `-- KEYS: the challenge
-- ARGV: replication id, now (ms)
-- returns 1, or 0 when it was not being collected
local record = redis.call('HMGET', KEYS[1], 'replid', 'trail')
if record[1] ~= ARGV[1] or string.match(record[2], '%a+$') ~= 'collecting' then return 0 end
redis.call('HSET', KEYS[1], 'trail', record[2] .. ' completed')
return 1`,
);
