-- A music school's tables. Ids refer to rows that may be missing: streams must cope with that.
CREATE TABLE schools (id int PRIMARY KEY, name text);
CREATE TABLE people (
  id text PRIMARY KEY, school_id int, main_course text, is_admin boolean NOT NULL, courses text[]);
CREATE TABLE staff (id int PRIMARY KEY, school_id int, person_id text);
CREATE TABLE courses (
  id text PRIMARY KEY, school_id int, is_public boolean NOT NULL, owner_id text, state text);
CREATE TABLE enrolments (id int PRIMARY KEY, course_id text, person_id text);
CREATE TABLE course_shares (id int PRIMARY KEY, course_id text, person_id text);
CREATE TABLE lessons (
  id text PRIMARY KEY, course_id text, school_id int, title text, minutes int, price numeric(8, 2),
  starts_at timestamptz, photo bytea, details jsonb, viewers text[], archived_at timestamptz);
CREATE TABLE remarks (id int PRIMARY KEY, lesson_id text, author_id text, body text);
CREATE TABLE grants (id int PRIMARY KEY, person_id text, course_list jsonb);
CREATE TABLE circles (id int PRIMARY KEY, circle_id int, person_id text);

CREATE SCHEMA north;
CREATE SCHEMA south;
CREATE TABLE north.rooms (id text PRIMARY KEY, name text);
CREATE TABLE south.rooms (id text PRIMARY KEY, name text);
CREATE TABLE diary_2023 (id text PRIMARY KEY, person_id text, body text);
CREATE TABLE diary_2024 (id text PRIMARY KEY, person_id text, body text);

-- Old rows come from the WAL for these, and from what storage remembers for the others.
ALTER TABLE staff REPLICA IDENTITY FULL;
ALTER TABLE courses REPLICA IDENTITY FULL;
ALTER TABLE circles REPLICA IDENTITY FULL;
