// What each table of sync-config.yaml should hold, said in Postgres' own SQL, and in another way
// than there where there is one. `me` is one row: a user's id, claims, connection parameters, and
// the courses and lessons the user has subscribed to.
const me = `me AS (
  SELECT $1::text AS id, $2::jsonb AS claims, $3::jsonb AS parameters,
    ARRAY(SELECT jsonb_array_elements_text($4::jsonb -> 'courses')) AS courses,
    ARRAY(SELECT jsonb_array_elements_text($4::jsonb -> 'lessons')) AS lessons)`;

const allCourses = 'SELECT id, school_id, is_public::int, owner_id, state FROM courses';
const schoolClaim = `(SELECT (claims ->> 'school')::int FROM me)`;
const owned = 'SELECT id FROM courses WHERE owner_id = (SELECT id FROM me)';
const sharedWithMe =
  'SELECT course_id FROM course_shares WHERE person_id = (SELECT id FROM me)';
const attended = 'SELECT course_id FROM enrolments WHERE person_id = (SELECT id FROM me)';
const mySchools = 'SELECT school_id FROM staff WHERE person_id = (SELECT id FROM me)';
const claimedCourses = `SELECT jsonb_array_elements_text(claims -> 'courses') FROM me`;
const visibleCourses = `SELECT id FROM courses WHERE school_id = ${schoolClaim}
  AND (is_public OR id IN (${attended}))`;
const lessonsOfMySchools = `SELECT id FROM lessons WHERE EXISTS (
  SELECT FROM courses, staff, me WHERE courses.id = course_id
    AND courses.school_id = staff.school_id AND staff.person_id = me.id)`;
const openedAndMine = `SELECT id FROM courses WHERE id = ANY ((SELECT courses FROM me)::text[])
  AND school_id IN (${mySchools})`;
const claimedBoth = `SELECT c.id FROM courses c, me
  WHERE school_id = (claims ->> 'school')::int AND state = claims ->> 'state'`;
const byConnection = `SELECT c.id, state FROM courses c, me WHERE state = parameters ->> 'state'`;

const queries = {
  everything: 'SELECT id::text, name FROM schools',
  literal_filter: 'SELECT id, owner_id FROM courses WHERE is_public',
  row_conditions: `SELECT id, minutes FROM lessons
    WHERE minutes >= 20 AND minutes <= 60 AND archived_at IS NULL AND title <> 'aria'
      AND title <> 'etude' AND course_id <> 'c0'`,
  by_user: `${allCourses} WHERE owner_id = (SELECT id FROM me)`,
  by_claim: `SELECT id FROM courses WHERE school_id = ${schoolClaim}`,
  by_two_claims: claimedBoth,
  by_connection: byConnection,
  opened_course: `SELECT id, course_id, title FROM lessons
    WHERE course_id = ANY ((SELECT courses FROM me)::text[])
      AND course_id IN (${owned} UNION SELECT id FROM courses WHERE id IN (${sharedWithMe}))`,
  transformed: `SELECT id, minutes::text, details ->> 'level' AS level,
      encode(photo, 'base64') AS photo, extract(epoch FROM starts_at)::int AS starts_at,
      upper(title) || '!' AS shout,
      CASE WHEN minutes >= 60 THEN 'long' WHEN minutes >= 30 THEN 'short' END AS length,
      coalesce(price::text, 'free') AS price, length(photo) AS photo_bytes
    FROM lessons`,
  other_id: `SELECT course_id || '/' || l.id AS id, trunc(price)::int AS price
    FROM lessons l, courses c, me
    WHERE c.id = course_id AND NOT is_public AND owner_id = left(me.id, 4)`,
  by_role: `SELECT c.id FROM courses c, me WHERE school_id = (claims ->> 'school')::int
    AND (state = 'open' OR owner_id = me.id OR claims ->> 'role' = 'head')`,
  shared: `${owned} UNION SELECT id FROM courses WHERE id IN (${sharedWithMe})`,
  main_item: `SELECT l.id, title FROM lessons l, people p, me
    WHERE p.id = me.id AND l.course_id = p.main_course`,
  nested: lessonsOfMySchools,
  joined: lessonsOfMySchools,
  many_to_many: `SELECT id::text, lesson_id, author_id, body FROM remarks
    WHERE lesson_id IN (SELECT id FROM lessons WHERE course_id IN (${attended}))`,
  fellows: `SELECT id, is_admin::int FROM people WHERE id IN (
    SELECT person_id FROM enrolments WHERE course_id IN (${attended}))`,
  self_join: `SELECT id FROM people WHERE id IN (
    SELECT person_id FROM circles WHERE circle_id IN (
      SELECT circle_id FROM circles WHERE person_id = (SELECT id FROM me)))`,
  from_the_other_end: `SELECT id::text FROM remarks WHERE lesson_id IN (
    SELECT id FROM lessons WHERE course_id IN (
      SELECT id FROM courses WHERE is_public AND id IN (${attended})))`,
  composite_join: `SELECT id FROM lessons WHERE (course_id, school_id) IN (
    SELECT c.id, school_id FROM courses c, me WHERE owner_id = me.id)`,
  array_claim: `SELECT id FROM courses WHERE id IN (${claimedCourses})`,
  array_claim_join: `SELECT id FROM courses WHERE id IN (${claimedCourses})`,
  array_claim_subquery: `SELECT id FROM courses WHERE id IN (${claimedCourses})`,
  array_of_joined_row: `SELECT id FROM courses WHERE id IN (
    SELECT jsonb_array_elements_text(course_list) FROM grants
    WHERE person_id = (SELECT id FROM me))`,
  array_of_row: `SELECT id, array_to_json(viewers)::text AS viewers FROM lessons
    WHERE (SELECT id FROM me) = ANY (viewers)`,
  overlap: `SELECT id FROM lessons
    WHERE viewers && ARRAY(SELECT person_id FROM staff WHERE school_id = ${schoolClaim})`,
  common_courses: visibleCourses,
  common_lessons: `SELECT id FROM lessons WHERE course_id IN (${visibleCourses})`,
  my_school: `SELECT id::text, name FROM schools WHERE id IN (${mySchools})`,
  my_colleague: `SELECT id FROM people WHERE school_id IN (${mySchools})`,
  opened_lessons: `SELECT id, course_id FROM lessons WHERE course_id IN (${openedAndMine})`,
  opened_enrolments:
    `SELECT id::text, course_id FROM enrolments WHERE course_id IN (${openedAndMine})`,
  opened_remarks: `SELECT r.id::text, lesson_id, author_id, body FROM remarks r, lessons l
    WHERE l.id = lesson_id AND lesson_id = ANY ((SELECT lessons FROM me)::text[])
      AND course_id IN (${attended})`,
  tenant_schema: `SELECT id, name FROM north.rooms
    WHERE (SELECT claims ->> 'tenant' FROM me) = 'north'
    UNION ALL
    SELECT id, name FROM south.rooms
    WHERE (SELECT claims ->> 'tenant' FROM me) = 'south'`,
  table_suffix: `SELECT id, body, '2023' AS year FROM diary_2023
    WHERE person_id = (SELECT id FROM me)
    UNION ALL
    SELECT id, body, '2024' FROM diary_2024 WHERE person_id = (SELECT id FROM me)`,
  old_global: `SELECT id::text, name, name || '?' AS question FROM schools`,
  old_by_user: `${allCourses} WHERE owner_id = (SELECT id FROM me)`,
  old_claim: claimedBoth,
  old_client_parameter: `SELECT id FROM (${byConnection}) AS c`,
  old_two_columns: `SELECT l.id, title FROM lessons l JOIN courses c
      ON l.course_id = c.id AND l.school_id = c.school_id
    WHERE owner_id = (SELECT id FROM me)`,
  old_courses: `SELECT id FROM courses WHERE id IN (${owned}) OR id IN (${sharedWithMe})`,
  old_lessons: `SELECT id, minutes::text FROM lessons
    WHERE course_id IN (${owned}) OR course_id IN (${sharedWithMe})`,
  old_array_claim: `SELECT id FROM courses WHERE id IN (${claimedCourses})`,
  old_array_of_row: `SELECT id FROM people WHERE courses && ARRAY(${attended})`,
  old_in_claim: `SELECT id FROM lessons WHERE course_id IN (
    SELECT id FROM courses WHERE school_id IN (
      SELECT jsonb_array_elements(claims #> '{rights,schools}')::int FROM me))`,
  old_admins_only: `SELECT id::text FROM staff
    WHERE EXISTS (SELECT FROM people, me WHERE people.id = me.id AND is_admin)`,
};

/** A query of two columns: each table, and the JSON array of its rows. */
export const visible = `WITH ${me} ${Object.entries(queries).map(([table, query]) => `
  SELECT '${table}' AS table,
    coalesce(json_agg(row ORDER BY id COLLATE "C"), '[]') AS rows
  FROM (${query}) AS row`).join(' UNION ALL ')}`;

/** Of each table, a query whose columns are the table's. */
export const columns = Object.entries(queries).map(([table, query]) => [
  table, `WITH ${me} SELECT * FROM (${query}) AS row WHERE false`]);
