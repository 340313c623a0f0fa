INSERT INTO lists (id, owner_id, name) VALUES
  ('11111111-0000-4000-8000-000000000001', 'anna', 'Groceries'),
  ('11111111-0000-4000-8000-000000000002', 'anna', 'House'),
  ('22222222-0000-4000-8000-000000000001', 'bert', 'Travel');

INSERT INTO todos (list_id, description) VALUES
  ('11111111-0000-4000-8000-000000000001', 'bread'),
  ('11111111-0000-4000-8000-000000000001', 'olives'),
  ('11111111-0000-4000-8000-000000000002', 'repair the gate'),
  ('22222222-0000-4000-8000-000000000001', 'book the train');

INSERT INTO settings VALUES ('theme', 'light'), ('motd', 'welcome');
