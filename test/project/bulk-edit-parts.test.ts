/** What a bulk edit is judged by: globs, terms in their spellings, and kinds of occurrence. */
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { draftList, draftRules } from '#dist/bulk-edit-draft.js'
import { categoryOfLine, categoryOfPath } from '#dist/project/bulk-edit/occurrence-category.js'
import { isNarrow } from '#dist/project/bulk-edit/occurrence-map.js'
import { matchesGlob } from '#dist/project/bulk-edit/path-glob.js'
import {
  hasTerm,
  isRenamed,
  replaceTerm,
  spelled,
  spellings,
} from '#dist/project/bulk-edit/term.js'
import { fc, property } from '../support/property.ts'

describe('a glob', () => {
  it.each([
    ['src/*.py', 'src/a.py', true],
    ['src/*.py', 'src/a/b/c.py', false],
    ['src/**/*.py', 'src/a/b/c.py', true],
    ['src/**/*.py', 'src/a.py', true],
    ['**/x', 'x', true],
    ['**', 'a/b', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['ä*', 'äö', true],
    ['*', '', true],
    ['a.b', 'axb', false],
  ])('%s on %s: %s', (pattern, path, matches) => expect(matchesGlob(pattern, path)).toBe(matches))

  it('takes no longer than its lengths allow', () => {
    const started = performance.now()
    expect(matchesGlob(`${'a*'.repeat(400)}b`, 'a'.repeat(4_000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  property([
    fc.array(fc.constantFrom('a', 'b', '.', 'é'), { minLength: 1, maxLength: 6 }),
    fc.nat(),
  ])('with a star in the place of a part matches what it was made of', (chars, at) => {
    const start = at % chars.length
    expect(matchesGlob(`${chars.slice(0, start).join('')}*`, chars.join(''))).toBe(true)
    expect(matchesGlob(`${chars.join('')}*`, `${chars.join('')}/x`)).toBe(false)
  })

  it.each([
    ['src/*.ts', true],
    ['a.py', true],
    ['src/', false],
    ['*', false],
    ['src/**/*.py', false],
    ['src/*', false],
    ['.env', false],
    ['src/a.*', false],
  ])('%s is narrow: %s', (path, narrow) => expect(isNarrow(path)).toBe(narrow))
})

describe('a term', () => {
  it('has all its spellings, each with that of its replacement', () => {
    const pairs = spellings('fooBar', 'quxBaz')
    expect(Object.fromEntries(pairs)).toMatchObject({
      fooBar: 'quxBaz',
      FooBar: 'QuxBaz',
      foo_bar: 'qux_baz',
      FOO_BAR: 'QUX_BAZ',
      'foo-bar': 'qux-baz',
      'foo bar': 'qux baz',
      'Foo Bar': 'Qux Baz',
    })
    expect(replaceTerm('FooBar of fooBar in FOO_BAR', pairs)).toBe('QuxBaz of quxBaz in QUX_BAZ')
    expect(spelled('/spec.check')).toEqual(['/spec.check'])
  })

  it.each([
    ['old', 'an old one', true],
    ['old', 'isOld', true],
    ['old', 'oldName', true],
    ['old', 'OLD_NAME', true],
    ['old', 'OLDName', true],
    ['old', 'olds', true],
    ['old', 'golden', false],
    ['old', 'Gold', false],
    ['old', 'GOLD', false],
    ['old', 'older', false],
    ['old', 'OLDER', false],
    ['oldName', 'oldname.test', true],
    ['oldName', 'the_old_names', true],
  ])('%s stands in %j for itself: %s', (term, text, isThere) => {
    expect(hasTerm(text, spelled(term))).toBe(isThere)
    expect(replaceTerm(text, spellings(term, 'new')) !== text).toBe(isThere)
  })

  it.each([
    ['old in gold', 'new in gold', true],
    ['old in gold', 'new in gnew', true],
    ['old in gold', 'old in gold', false],
    ['old, old', 'new, old', false],
    ['old()', 'new(1)', false],
    ['old', 'newer', false],
  ])('%j is renamed to %j: %s', (text, other, renamed) => {
    expect(isRenamed(text, other, spellings('old', 'new'))).toBe(renamed)
  })

  property([fc.string({ maxLength: 40 }), fc.string({ minLength: 1, maxLength: 5 })])(
    'that is replaced by itself changes nothing',
    (text, term) => {
      const pairs = new Map([[term, term]])
      expect(replaceTerm(text, pairs)).toBe(text)
      expect(isRenamed(text, text, pairs)).toBe(true)
    },
  )
})

describe('the kinds', () => {
  it.each([
    ['test/a.ts', '', 'tests_fixtures'],
    ['src/cli/commands/a.ts', '', 'cli_commands'],
    ['README', '', 'user_facing_strings'],
    ['a.json', '', 'serialized_keys'],
    ['src/a.ts', "import { a } from './a.ts'", 'import_paths'],
    ['a.py', 'from a.b import c', 'import_paths'],
    ['a.rs', 'use a::b;', 'import_paths'],
    ['src/a.ts', "logger.warn('a')", 'logs_telemetry'],
    ['a.py', 'log.info("a")', 'logs_telemetry'],
    ['src/a.ts', "open('a/b.txt')", 'filesystem_paths'],
    ['src/a.ts', 'const a = b', 'code_symbols'],
    ['a.unknown', 'x', null],
  ])('%s with %j: %s', (path, line, category) => {
    expect(categoryOfLine(path, line)).toBe(category)
    if (line === '') expect(categoryOfPath(path)).toBe(category)
  })
})

describe('a draft', () => {
  it.each(['no', 'off', '1_000', '2026-01-01'])('says %s to readers of either YAML', (term) => {
    const mission = { directory: 'm-01KT119Y', mission_id: '01KT119Y000000000000000000' }
    const read = (text: string): unknown => parse(text, { version: '1.1' })
    expect(read(draftRules(term, term, new Map()))).toMatchObject({
      target: { term, replacement: term },
    })
    expect(read(draftList(term, mission, new Map()))).toMatchObject({
      target_string: term,
      generated_at: expect.any(String) as unknown,
    })
  })
})
