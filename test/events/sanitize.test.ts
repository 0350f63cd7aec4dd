import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { assertClean, createSanitizer, sanitizeEvent } from '#dist/events/sanitize.js'
import { SanitizeError } from '#dist/errors.js'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { SAMPLE_IDENTITY } from '../support/sample-identity.ts'

const options = { identity: SAMPLE_IDENTITY }

function clean(value: unknown): unknown {
  return sanitizeEvent(value, options).value
}

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(SanitizeError)
    return (error as SanitizeError).code
  }
  return 'none'
}

describe('named fields', () => {
  it.each([
    'machine_name',
    'machineName',
    'MachineName',
    'MACHINE-NAME',
    'hostname',
    'host_name',
    'HostName',
    'HOST_NAME',
    'host.name',
    'workspace_path',
    'workspacePath',
    'developer_name',
    'Developer Name',
    'developer_email',
    'developer-email',
    'host%5Fname',
    'host\\u005fname',
  ])('%s is removed at every depth', (name) => {
    const value = { [name]: 'x', kept: 1, list: [{ deep: { [name]: { any: 1 } } }] }
    const { value: result, redactions } = sanitizeEvent(value)
    expect(result).toEqual({ kept: 1, list: [{ deep: {} }] })
    expect(redactions).toEqual([
      { path: name, class: 'field' },
      { path: `list[0].deep.${name}`, class: 'field' },
    ])
  })

  it.each(['hostnames', 'machine', 'developer', 'workspace', 'the_hostname_of'])(
    '%s stays',
    (name) => {
      expect(clean({ [name]: 'x' })).toEqual({ [name]: 'x' })
    },
  )

  it('are removed from JSON within a string, which is written anew only then', () => {
    const spaced = '{ "a": 1, "b": [1, 2] }'
    expect(clean({ text: spaced })).toEqual({ text: spaced })
    expect(clean({ text: '{ "a": 1, "hostname": "x" }' })).toEqual({ text: '{"a":1}' })
    expect(clean('[{"machineName":"x","b":2}]')).toBe('[{"b":2}]')
  })

  it('are not hidden by a second key of the same name in JSON text', () => {
    const text = '{"note":"/home/bob/x","note":"ok"}'
    expect(clean({ text })).toEqual({ text: '{"note":"<home>/x","note":"ok"}' })
  })

  it('may hold anything that can be read, for it goes', () => {
    expect(clean({ hostname: 7n, kept: 1 })).toEqual({ kept: 1 })
  })
})

describe('session times', () => {
  const start = '2026-06-01T07:00:00Z'

  it('become a duration wherever they stand, in any case style', () => {
    const session = { sessionStartedAt: start, 'SESSION-ENDED-AT': '2026-06-01T09:30:00.9+02:00' }
    expect(clean({ payload: [{ session }] })).toEqual({
      payload: [{ session: { session_duration_s: 1800 } }],
    })
    const text = JSON.stringify({ session_started_at: start, session_ended_at: start })
    expect(clean({ text })).toEqual({ text: '{"session_duration_s":0}' })
  })

  it.each([
    ['offsets', '2026-06-01T07:00:00+02:00', '2026-06-01T05:00:10Z', 10],
    ['hours alone in an offset', '2026-06-01T07:00:00+02', '2026-06-01T05:00:10Z', 10],
    ['offsets behind UTC', '2026-06-01T01:00:00-0400', '2026-06-01T05:00:10Z', 10],
    ['naive times', '2026-06-01T07:00', '2026-06-01 07:01:05', 65],
    ['dates', '2026-06-01', '2026-06-02', 86_400],
    ['compact times', '20260601T070000Z', '20260601T070001Z', 1],
    ['fractions, cut', '2026-06-01T07:00:00.9Z', '2026-06-01T07:00:02.8Z', 1],
  ])('are computed from %s', (_what, from, to, seconds) => {
    expect(clean({ session_started_at: from, session_ended_at: to })).toEqual({
      session_duration_s: seconds,
    })
  })

  it.each([
    ['a mixture of naive and aware', '2026-06-01T07:00:00', '2026-06-01T08:00:00Z'],
    ['an end before the start', start, '2026-06-01T06:00:00Z'],
    ['a number', 1_780_000_000, 1_780_000_100],
    ['a word', 'yesterday', start],
    ['a missing end', start, undefined],
    ['a day that does not exist', '2026-02-30', '2026-03-05'],
    ['a month that does not exist', '2026-12-31', '2026-13-01'],
    ['no month', '2026-00-01', '2026-01-01'],
    ['an hour that does not exist', '2026-06-01T25:00:00Z', '2026-06-02T07:00:00Z'],
    ['a minute that does not exist', '2026-06-01T05:61:00Z', '2026-06-02T07:00:00Z'],
    ['a second that does not exist', '2026-06-01T05:00:61Z', '2026-06-02T07:00:00Z'],
    ['a very long text', start + ' '.repeat(100), start],
    ['null', null, null],
  ])('are dropped without a duration for %s', (_what, from, to) => {
    expect(clean({ a: 1, session_started_at: from, session_ended_at: to })).toEqual({ a: 1 })
  })

  it('that are there twice are dropped', () => {
    const value = { session_started_at: start, sessionStartedAt: start, session_ended_at: start }
    expect(clean(value)).toEqual({})
  })

  it('leave a duration alone that was there before', () => {
    expect(clean({ session_duration_s: 5, session_started_at: start })).toEqual({
      session_duration_s: 5,
    })
  })

  it('are not exempt as timestamps', () => {
    expect(clean({ created_at: start, session_ended_at: start })).toEqual({ created_at: start })
  })
})

describe('replacements', () => {
  it.each([
    ['/home/bob/notes.md', '<home>/notes.md'],
    ['C:\\Users\\bob\\notes.md', '<home>\\notes.md'],
    ['/data/people/quillfeather/x', '<home>/x'],
    ['/srv/code/harbor/src/a.ts', 'src/a.ts'],
    ['in /srv/code/harbor.', 'in ..'],
    ['file:///srv/code/harbor/src/a%20b.ts', 'src/a b.ts'],
    ['file:///srv/code/harbor', '.'],
    ['file:///D:/work/harbor/src/a.ts', 'src/a.ts'],
    ['file:///home/bob/x/plan.md', '<path>/plan.md'],
    ['file:///home/bob', '<path>'],
    ['\\\\srv01\\share\\plan.docx', '<path>/plan.docx'],
    ['\\\\srv01\\share', '<path>'],
    ['ask bob@example.com', 'ask <email>'],
    ['on TERN-BOX now', 'on <host> now'],
    ['by quillfeather', 'by <user>'],
    ['by Quill Feather', 'by <name>'],
    ['mail q.feather@mail.example', 'mail <email>'],
    ['from 192.168.1.7', 'from <ip>'],
    ['https://u:p@host/x', 'https://<secret:credential>@host/x'],
    ['password=hunter2', 'password=<secret:credential>'],
    ['token is q8Zr2LxV0pNcT5yWm3KdB7sH', 'token is <secret:generic>'],
    [`x ghp_${'a1B2'.repeat(9)} y`, 'x <secret:github> y'],
    ['-----BEGIN PRIVATE KEY-----\nMIIB', '<secret:private-key>'],
    ['%2Fhome%2Fbob%2Fx', '<home>%2Fx'],
    ['\\u002fhome\\u002fbob\\u002fx', '<home>\\u002fx'],
    ['／ｈｏｍｅ／ｂｏｂ／ｘ', '<home>／ｘ'],
    ['bob%40example.com', '<email>'],
    ['%FF%E4%82 /home/bob %F7%BF%BF%BF', '%FF%E4%82 <home> %F7%BF%BF%BF'],
    ['%F0%9F%98%80/home/bob', '%F0%9F%98%80<home>'],
  ])('of %j are %j', (text, expected) => {
    expect(clean(text)).toBe(expected)
    expect(clean(expected)).toBe(expected)
  })

  it('of a literal that differs by case folding alone is the user’s', () => {
    const identity = { ...NO_IDENTITY, hostnames: ['storkbox'] }
    expect(sanitizeEvent('storkbox ſtorkbox', { identity }).value).toBe('<host> <user>')
  })

  it('keep two people distinguishable, in whatever order the keys come', () => {
    const value = { b: '/home/eve/x and /home/bob/y', a: ['bob@example.com', 'eve@example.com'] }
    const expected = {
      a: ['<email>', '<email#2>'],
      b: '<home>/x and <home#2>/y',
    }
    expect(clean(value)).toEqual(expected)
    expect(clean({ a: value.a, b: value.b })).toEqual(expected)
    expect(clean({ again: '/home/eve and /home/eve and /home/bob' })).toEqual({
      again: '<home> and <home> and <home#2>',
    })
  })

  it('find names that are composed otherwise', () => {
    const identity = { ...NO_IDENTITY, usernames: ['jürgenson'], names: ['李伟', '김'] }
    expect(sanitizeEvent('by ju\u0308rgenson', { identity }).value).toBe('by <user>')
    expect(sanitizeEvent('由李伟提交', { identity }).value).toBe('由<name>提交')
    const korean = { ...NO_IDENTITY, usernames: ['한글이름'] }
    const decomposed = 'by 한글이름'.normalize('NFD')
    expect(sanitizeEvent(decomposed, { identity: korean }).value).toBe('by <user>')
  })

  it('leave a user alone whose name is the repository’s, and short and common names', () => {
    const identity = {
      ...NO_IDENTITY,
      usernames: ['harborer', 'dev', 'io', ' '],
      hostnames: ['localhost'],
      roots: ['/srv/harborer', '/', 'C:\\', 'relative/path'],
      homes: ['', '/'],
    }
    const text = 'harborer runs on localhost by dev for io'
    expect(sanitizeEvent(text, { identity }).value).toBe(text)
    expect(sanitizeEvent('ssh dev@box', { identity }).value).toBe('ssh <user>@box')
  })

  it('are not cleaned again when the user is called like one', () => {
    const identity = { ...NO_IDENTITY, usernames: ['stripe', 'credential', 'slacker'] }
    const once = sanitizeEvent('password=hunter2 of slacker', { identity })
    expect(once.value).toBe('password=<secret:credential> of <user>')
    assertClean(once.value, identity)
  })

  it('cover the whole value of a field that is a secret by name', () => {
    const value = {
      password: 'correct horse',
      apiKey: 'a1b2c3d4e5',
      access_token: 'Zx81Kd02Lm93Pq74Rt65Vw',
      token: 'refresh',
      secret: null,
      passwd: '<secret:credential>',
      max_tokens: 5,
      token_value: 'q8Zr2LxV0pNcT5yWm3KdB7sH',
      token_note: 'rotated in 2024 by the reviewer of WP02',
      input_key: 'q8Zr2LxV0pNcT5yWm3KdB7sH',
    }
    expect(clean(value)).toEqual({
      ...value,
      password: '<secret:credential>',
      apiKey: '<secret:credential>',
      access_token: '<secret:credential>',
      token_value: '<secret:credential>',
    })
  })
})

describe('the value of a secret’s field', () => {
  it('that only looks like one when it is cleaned goes as a whole', () => {
    expect(clean({ token: 'a1-----END PRIVATE KEY-----b2' })).toEqual({
      token: '<secret:credential>',
    })
  })
})

describe('keys', () => {
  it('are cleaned like values, and paths show them clean', () => {
    expect(sanitizeEvent({ files: { '/home/bob/a.ts': { by: 'bob@example.com' } } })).toEqual({
      value: { files: { '<home>/a.ts': { by: '<email>' } } },
      redactions: [
        { path: 'files.<home>/a.ts', class: 'home_path' },
        { path: 'files.<home>/a.ts.by', class: 'email' },
      ],
    })
  })

  it('that become the same stay apart', () => {
    const { value } = sanitizeEvent({ '/home/bob/x': 1, '/home/bob/./x': 2, '<home>/x': 3 })
    expect(new Set(Object.values(value as object))).toEqual(new Set([1, 2, 3]))
    const twice = sanitizeEvent({ 'a@b.co': 1, 'A@B.co': 2 }).value
    expect(twice).toEqual({ '<email>': 2, '<email>#2': 1 })
  })

  it('that become a removed field are removed', () => {
    expect(clean({ '/srv/code/harbor/hostname': 'x', a: 1 })).toEqual({ a: 1 })
  })

  it('are named in a path in part when they are long', () => {
    const { redactions } = sanitizeEvent({ ['k'.repeat(500)]: [{ x: 'a@b.co' }] })
    expect(redactions).toEqual([{ path: `${'k'.repeat(64)}[0].x`, class: 'email' }])
  })

  it('are remembered within a bound', () => {
    const sanitizer = createSanitizer(SAMPLE_IDENTITY)
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`key${n}`, n]))
    expect(sanitizer.sanitize(many).value).toEqual(many)
    expect(sanitizer.sanitize(many).value).toEqual(many)
  })
})

describe('typed fields', () => {
  it('are exempt only in their own form', () => {
    const value = {
      build_id: '/home/bob/x',
      event_id: 'bob@example.com',
      git_hash: 'quillfeather',
      at: 'by quillfeather',
      mission_slug: 'Quill Feather',
      node_id: '192.168.1.7',
    }
    expect(clean(value)).toEqual({
      build_id: '<home>/x',
      event_id: '<email>',
      git_hash: '<user>',
      at: 'by <user>',
      mission_slug: '<name>',
      node_id: '<ip>',
    })
  })

  it('that are slugs may hold a name, but no token', () => {
    const token = `sk-ant-${'a1b2'.repeat(6)}`
    expect(clean({ mission_slug: 'quillfeather-notes', note: 'quillfeather-notes' })).toEqual({
      mission_slug: 'quillfeather-notes',
      note: '<user>-notes',
    })
    expect(clean({ mission_slug: token })).toEqual({ mission_slug: '<secret:anthropic>' })
  })
})

describe('what is taken', () => {
  it('is what JSON can hold; fields without a value are dropped, -0 is 0', () => {
    const value = { a: undefined, b: [undefined, null, -0, true, 'x'], c: Object.create(null) }
    const result = sanitizeEvent(value).value
    expect(result).toEqual({ b: [null, null, 0, true, 'x'], c: {} })
    expect(Object.is((result as { b: unknown[] }).b[2], 0)).toBe(true)
  })

  it('comes from other realms too', () => {
    expect(clean(runInNewContext('({ a: [1, { b: 2 }] })'))).toEqual({ a: [1, { b: 2 }] })
  })

  it('is a shared value twice, but no circle', () => {
    const shared = { a: 1 }
    expect(clean([shared, shared])).toEqual([shared, shared])
    const circle: Record<string, unknown> = {}
    circle['list'] = [circle]
    expect(codeOf(() => sanitizeEvent(circle))).toBe('SANITIZE_TYPE')
  })

  it.each([
    ['undefined', undefined],
    ['a function', { f: () => 1 }],
    ['a symbol', [Symbol('x')]],
    ['a bigint', 1n],
    ['NaN', { n: Number.NaN }],
    ['Infinity', [Number.POSITIVE_INFINITY]],
    ['a date', { at: new Date(0) }],
    ['a map', new Map()],
    ['an instance', new Intl.Collator()],
    ['a boxed string', Object('x')],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('/home/bob')
        },
      },
    ],
  ])('is not %s', (_what, value) => {
    expect(codeOf(() => sanitizeEvent(value))).toBe('SANITIZE_TYPE')
  })

  it.each(['__proto__', 'constructor', 'prototype'])('has no key %s', (key) => {
    const value: unknown = JSON.parse(`{"a":[{"${key}":1}]}`)
    expect(codeOf(() => sanitizeEvent(value))).toBe('SANITIZE_KEY')
    const hidden: unknown = JSON.parse(`{"/srv/code/harbor/${key}":1}`)
    expect(codeOf(() => sanitizeEvent(hidden, options))).toBe('SANITIZE_KEY')
  })

  it('has such keys in JSON text as any other', () => {
    const text = '{"__proto__":{"hostname":"x"},"constructor":"/home/bob/x"}'
    expect(clean({ text })).toEqual({ text: '{"__proto__":{},"constructor":"<home>/x"}' })
    expect(({} as Record<string, unknown>)['hostname']).toBeUndefined()
  })

  it('is nested as deep as the limit, JSON text counted', () => {
    const nest = (depth: number): unknown => {
      let value: unknown = 1
      for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
      return value
    }
    expect(clean(nest(32))).toEqual(nest(32))
    expect(codeOf(() => sanitizeEvent(nest(33)))).toBe('SANITIZE_DEPTH')
    expect(codeOf(() => sanitizeEvent(nest(200_000)))).toBe('SANITIZE_DEPTH')
    expect(codeOf(() => sanitizeEvent([JSON.stringify(nest(32))]))).toBe('SANITIZE_DEPTH')
    expect(codeOf(() => sanitizeEvent([[1]], { limits: { depthMax: 1 } }))).toBe('SANITIZE_DEPTH')
  })

  it('is not larger than 1 MiB, whole or as it comes out', () => {
    const text = 'x'.repeat(1024 * 1024 - 16)
    expect(clean({ text })).toEqual({ text })
    expect(codeOf(() => sanitizeEvent({ text: `${text}xxxxxxxx` }))).toBe('SANITIZE_TOO_LARGE')
    expect(codeOf(() => sanitizeEvent({ text: 'ü'.repeat(200_000) }))).toBe('SANITIZE_TOO_LARGE')
    const sparse: unknown[] = []
    sparse.length = 2 ** 30
    expect(codeOf(() => sanitizeEvent(sparse))).toBe('SANITIZE_TOO_LARGE')
    const short = '::ffff:1.1.1.1 a@b.co '.repeat(50_000)
    expect(codeOf(() => sanitizeEvent({ short }))).toBe('SANITIZE_TOO_LARGE')
    const growing = 'a@b.co '.repeat(140_000)
    expect(codeOf(() => sanitizeEvent({ growing }))).toBe('SANITIZE_TOO_LARGE')
  })

  it('is refused in time when it is shared into an endless tree', () => {
    let value: unknown = [1]
    for (let i = 0; i < 30; i++) value = [value, value]
    expect(codeOf(() => sanitizeEvent(value))).toBe('SANITIZE_TOO_LARGE')
  })

  it('is one giant string, cleaned to its middle', () => {
    const filler = 'all tests passed in 3.2 s, see the log. '.repeat(7_800)
    const { value } = sanitizeEvent({ log: `${filler}/home/bob/x ${filler}bob@example.com` })
    expect(value).toEqual({ log: `${filler}<home>/x ${filler}<email>` })
  })
})

describe('what was clean a moment ago', () => {
  it('may name another user', () => {
    const text = 'quillfeather has moved it'
    expect(createSanitizer(NO_IDENTITY).sanitize(text).value).toBe(text)
    expect(clean(text)).not.toContain('quillfeather')
  })

  it('within a text is looked through outside of it', () => {
    const sanitizer = createSanitizer(NO_IDENTITY)
    const note = '{"hostname":"x"}'
    sanitizer.sanitize({ text: JSON.stringify({ note }) })
    expect(sanitizer.sanitize({ note }).value).toEqual({ note: '{}' })
  })

  it('counts by its length as before', () => {
    const many = Array.from({ length: 5_000 }, () => ({ note: 'x'.repeat(250) }))
    expect(codeOf(() => sanitizeEvent(many))).toBe('SANITIZE_TOO_LARGE')
  })

  it('counts by the depth at which it stands', () => {
    const sanitizer = createSanitizer(NO_IDENTITY)
    const note = '['.repeat(20) + ']'.repeat(20)
    expect(sanitizer.sanitize({ note }).value).toEqual({ note })
    let deep: unknown = { note }
    for (let depth = 0; depth < 20; depth += 1) deep = { deep }
    expect(codeOf(() => sanitizer.sanitize(deep))).toBe('SANITIZE_DEPTH')
  })
})

describe('the assertion at a write boundary', () => {
  it('passes what is clean and refuses what is not', () => {
    expect(() => assertClean({ a: 'x' }, SAMPLE_IDENTITY)).not.toThrow()
    expect(codeOf(() => assertClean({ a: ['quillfeather'] }, SAMPLE_IDENTITY))).toBe(
      'SANITIZE_NOT_CLEAN',
    )
    expect(codeOf(() => assertClean({ hostname: null }, NO_IDENTITY))).toBe('SANITIZE_NOT_CLEAN')
  })

  it('says nothing of what it found', () => {
    try {
      assertClean({ a: '/home/bob/x' }, NO_IDENTITY)
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('bob')
      expect((error as SanitizeError).retryable()).toBe(false)
    }
    expect.assertions(2)
  })
})

describe('a value that will not become clean', () => {
  it.each(['x', '{"x":1}'])('is refused: %s', (value) => {
    const restless = {
      name: 'restless',
      class: 'email' as const,
      needs: 0,
      find: () => [{ start: 0, end: 0, replacement: 'x', who: null }],
      samples: { removed: [], kept: [] },
    }
    const sanitizer = createSanitizer(NO_IDENTITY, [restless])
    expect(codeOf(() => sanitizer.sanitize(value))).toBe('SANITIZE_NOT_CLEAN')
  })
})
