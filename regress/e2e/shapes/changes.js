/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Random rows of all tables of schema.sql: few ids, so that rows meet, and rows come back. */
export class Changes {
  constructor(seed) {
    this.next = random(seed);
  }

  number(limit) {
    return Math.floor(this.next() * limit);
  }

  of(...values) {
    return values[this.number(values.length)];
  }

  person = () => this.of(null, 'anna', 'bert', 'carl', 'dora', 'emil', 'fred');
  school = () => this.of(null, 1, 2, 3);
  course = () => this.of(null, 'c0', 'c1', 'c2', 'c3', 'c4', 'c5');
  lesson = () => `l${this.number(14)}`;
  some = (make) => Array.from({ length: this.number(4) }, make);
  array = (make) => this.of(null, this.some(make));

  row = {
    schools: () => ({ id: 1 + this.number(4), name: this.of('Brass', 'Strings') }),
    people: () => ({
      id: this.person() ?? 'gina', school_id: this.school(), main_course: this.course(),
      is_admin: this.of(true, false), courses: this.array(this.course),
    }),
    staff: () => ({ id: this.number(8), school_id: this.school(), person_id: this.person() }),
    courses: () => ({
      id: this.course() ?? 'c6', school_id: this.school(), is_public: this.of(true, false),
      owner_id: this.person(), state: this.of(null, 'open', 'full', 'past'),
    }),
    enrolments: () => ({ id: this.number(12), course_id: this.course(), person_id: this.person() }),
    course_shares: () => ({
      id: this.number(8), course_id: this.course(), person_id: this.person(),
    }),
    lessons: () => ({
      id: this.lesson(), course_id: this.course(), school_id: this.school(),
      title: this.of('aria', 'etude', 'fugue', 'rondo'), minutes: this.of(null, 10, 20, 45, 60, 90),
      price: this.of(null, '12.50', '0.00'), starts_at: this.of(null, '2024-02-29 13:14:15+01'),
      photo: this.of(null, Buffer.from([0, 255, this.number(256)])),
      details: this.of(null, { level: this.of('easy', 'hard') }),
      viewers: this.array(this.person), archived_at: this.of(null, null, '2024-03-01 00:00:00+00'),
    }),
    remarks: () => ({
      id: this.number(20), lesson_id: this.lesson(), author_id: this.person(),
      body: this.of('piano', 'forte'),
    }),
    grants: () => ({
      id: this.number(5), person_id: this.person(),
      course_list: JSON.stringify(this.some(() => this.course() ?? 'c6')),
    }),
    circles: () => ({ id: this.number(9), circle_id: this.number(3), person_id: this.person() }),
    'north.rooms': () => ({ id: `n${this.number(4)}`, name: this.of('hall', 'attic') }),
    'south.rooms': () => ({ id: `s${this.number(4)}`, name: this.of('hall', 'attic') }),
    diary_2023: () => this.#diaryEntry('a'),
    diary_2024: () => this.#diaryEntry('b'),
  };

  #diaryEntry(prefix) {
    return {
      id: `${prefix}${this.number(4)}`, person_id: this.person(), body: this.of('sad', 'glad') };
  }

  /** A statement that puts a row, or, one time in five, deletes it: [text, parameters]. */
  statement(table = this.of(...Object.keys(this.row))) {
    const row = this.row[table]();
    if (this.number(5) === 0) return [`DELETE FROM ${table} WHERE id = $1`, [row.id]];
    return this.put(table, row);
  }

  put(table, row) {
    const names = Object.keys(row);
    return [`INSERT INTO ${table} (${names}) VALUES (${names.map((_, i) => `$${i + 1}`)})
             ON CONFLICT (id) DO UPDATE
             SET ${names.map((name) => `${name} = excluded.${name}`)}`, Object.values(row)];
  }
}
