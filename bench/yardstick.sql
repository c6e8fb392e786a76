-- The yardstick: the rows that one report and its delivered letter leave, in one transaction per message (pgbench).
-- bench/yardstick.py says which month's cases these are.
\set id random(:low, :high)
BEGIN;
INSERT INTO cityhub.raw_messages (case_id, key, received_at, content_type, body) VALUES (:id, gen_random_uuid(), now(), 'application/json', decode(repeat('41', 900), 'hex')) ON CONFLICT DO NOTHING;
INSERT INTO cityhub.messages_seen (key, fingerprint, case_id, version) VALUES (gen_random_uuid(), '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', :id, 3);
INSERT INTO cityhub.cases (case_id, version, state, mode, category_code, area_id, grid_cell, longitude, latitude, reported_by, lead_unit_id, tier, registered_at, due_at, alarm_at, changed_at, body) VALUES (:id, 3, 'dispatched', 'live', 'E0104', 'kecheng', 'yardstick_' || :id::bigint % 10000, 118.87, 28.95, 'collection', 'housing_construction', 'B', now(), now(), now() + interval '90 days', now(), repeat('x', 1800)) ON CONFLICT DO NOTHING;
INSERT INTO cityhub.entries (case_id, sequence, position, fact, state_before, state, mode, unit_id, connection_id, effective_at, known_at, directory_version, traceparent, audience, body) SELECT :id, n, nextval('cityhub.commit_position'), 'dispatch', 'accepted', 'dispatched', 'live', 'hub', 'hub', now(), now(), 1, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '{collection,kecheng,housing_construction}', repeat('y', 500) FROM generate_series(1, 3) AS n ON CONFLICT DO NOTHING;
INSERT INTO cityhub.case_visibility (unit_id, case_id, from_position) VALUES ('collection', :id, 1), ('kecheng', :id, 1), ('housing_construction', :id, 1) ON CONFLICT DO NOTHING;
INSERT INTO cityhub.letters (case_id, position, connection_id, unit_id, entry_sequence, contract, unit_sequence, urgent, mode, due_at, written_at) VALUES (:id, nextval('cityhub.commit_position'), 'yardstick.main', 'yardstick', 3, 'case.dispatch/1.0', 1, false, 'live', now(), now());
INSERT INTO cityhub.attempts (case_id, position, attempt, connection_id, outcome, status, digest, taken_at, sent_at, ended_at, holder) VALUES (:id, 1, 1, 'yardstick.main', 'processed', 200, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', now(), now(), now(), 'l0') ON CONFLICT DO NOTHING;
COMMIT;
