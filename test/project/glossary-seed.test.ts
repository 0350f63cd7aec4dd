/** A scope's file: read whatever it is, changed where it must, and otherwise left as its author wrote it. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { normalMeaning, normalSurface, withSense } from '#dist/contracts/ledgers/glossary-sense.js'
import type { SeedEntry } from '#dist/contracts/ledgers/glossary-sense.js'
import { parseSeed, readSeed } from '#dist/project/glossary-seed.js'
import { seedTextWith } from '#dist/project/glossary-seed-edit.js'
import { anyText } from '../support/any-text.ts'
import { fc, property } from '../support/property.ts'
import { makeFolder } from './sandbox.ts'

const entry = (surface: string, definition: string, more: Partial<SeedEntry> = {}): SeedEntry => ({
  surface,
  definition,
  confidence: 1,
  status: 'active',
  ...more,
})

function seedOf(text: string) {
  const seed = parseSeed(Buffer.from(text))
  if (typeof seed === 'string') throw new Error(seed)
  return seed
}
const put = (text: string, one: SeedEntry): string | null => seedTextWith(seedOf(text), one)

const FILE = `# The words of this team
# and what they mean

terms:
  # places
  - surface: alpha # first
    definition: the first
    confidence: 0.9
    status: active
    see_also:
      - term: beta

  # people
  - surface: Zeta
    definition: "it's last"   # why
    confidence: 1.0
    status: draft
    introduced_in_mission: 042-x
# the end
other: 1
`
const NEW = ['  - surface: X', '    definition: new', '    confidence: 1.0', '    status: active']
const added = (surface: string): string => `${NEW.join('\n').replace('X', surface)}\n`

describe(seedTextWith, () => {
  it('makes a file as other tools read it', () => {
    expect(seedTextWith(null, entry('work space', "it's: a\n  tree\n\nof git"))).toBe(
      `terms:
  - surface: work space
    definition: |-
      it's: a
        tree

      of git
    confidence: 1.0
    status: active
`,
    )
  })

  it.each<[string, SeedEntry, (text: string) => string]>([
    ['between', entry('beta', 'new'), (text) => text.replace('beta\n', `beta\n${added('beta')}`)],
    ['before all', entry('a', 'new'), (text) => text.replace('terms:\n', `terms:\n${added('a')}`)],
    [
      'behind all',
      entry('zz', 'new'),
      (text) => text.replace('# the end', `${added('zz')}# the end`),
    ],
    [
      'in the place of a meaning',
      entry('alpha', 'a: b', { confidence: 0.9 }),
      (text) => text.replace('the first', '"a: b"'),
    ],
    [
      'in quotes',
      entry('zeta', 'it', { status: 'draft' }),
      (text) => text.replace(`"it's last"`, 'it'),
    ],
    [
      'where only a state changes',
      entry('zeta', "it's last"),
      (text) => text.replace('draft', 'active'),
    ],
    [
      'where only a number changes',
      entry('alpha', 'the first', { confidence: 0.25 }),
      (text) => text.replace('0.9', '0.25'),
    ],
    ['where nothing changes', entry('alpha', 'the first', { confidence: 0.9 }), (text) => text],
  ])('changes no other byte: a sense that comes %s', (_, one, change) => {
    expect(put(FILE, one)).toBe(change(FILE))
    const windows = FILE.replaceAll('\n', '\r\n')
    expect(put(windows, one)).toBe(change(FILE).replaceAll('\n', '\r\n'))
    const marked = `\ufeff${FILE}`
    expect(put(marked, one)).toBe(`\ufeff${change(FILE)}`)
  })

  it('keeps comments, order and unknown keys where lines have to be written anew', () => {
    const text = put(FILE, entry('zeta', 'one\ntwo', { status: 'draft' }))
    expect(text).toBe(FILE.replace(`"it's last"   # why`, '|- # why\n      one\n      two'))
    expect(put(text ?? '', entry('zeta', "it's last", { status: 'draft' }))).toContain('# why')
  })

  it.each([
    ['an empty file', '', `terms:\n${added('b')}`],
    ['a file of comments', '# why\n', `# why\n\nterms:\n${added('b')}`],
    ['an empty list', 'terms: []\n', `terms:\n${added('b')}`],
    ['no list', 'terms:\n', `terms:\n${added('b')}`],
    ['another key', 'version: 2\n', `version: 2\nterms:\n${added('b')}`],
    [
      'no last line end',
      'terms:\n  - surface: a\n    definition: x',
      `terms:\n  - surface: a\n    definition: x\n${added('b').trimEnd()}`,
    ],
    [
      'a list at the margin',
      'terms:\n- surface: a\n  definition: x\n',
      `terms:\n- surface: a\n  definition: x\n${added('b').replaceAll(/^ {2}/gm, '')}`,
    ],
    [
      'wide dashes',
      'terms:\n  -   surface: c\n      definition: x\n',
      `terms:\n${added('b').replaceAll('    ', '      ').replace('- ', '-   ')}  -   surface: c\n      definition: x\n`,
    ],
    [
      'entries that are none',
      'terms:\n  - 5\n  - surface: c\n',
      `terms:\n  - 5\n  - surface: c\n${added('b')}`,
    ],
  ])('takes a term into %s', (_, text, wanted) => {
    expect(put(text, entry('b', 'new'))).toBe(wanted)
  })

  it.each(['0x0F', '.5', '+1', '1e3', '1.50', '0o017', '~', 'True', '1_000', '"a"', "'b'"])(
    'writes %s again as it was spelled, where lines have to be written anew',
    (spelled) => {
      const text = `terms:\n  - surface: b\n    definition: x\n    other: ${spelled} # c\n`
      const after = put(text, entry('b', 'y\nz'))
      expect(after).toContain(`    other: ${spelled} # c\n    status: active\n`)
      expect(put(after ?? '', entry('b', '5'))).toContain('definition: "5"\n')
    },
  )

  it.each(['no', 'On', 'y', '1_000', '12:30', '2026-01-01', '0b1', '<<', '=', 'a\tb'])(
    'writes %j so that readers of either YAML find a text',
    (text) => {
      const files = [seedTextWith(null, entry('a', text)), put(FILE, entry('alpha', text))]
      for (const file of files) {
        expect(file).toContain(`definition: ${JSON.stringify(text)}`)
        const { terms } = parse(file ?? '', { version: '1.1' }) as { terms: object[] }
        expect(terms[0]).toMatchObject({ definition: text })
      }
    },
  )

  it('and so a term that is such a word', () => {
    expect(seedTextWith(null, entry('off', 'no more'))).toContain('surface: "off"\n')
  })

  it.each([
    [
      'a meaning that is named and meant elsewhere',
      'terms:\n  - surface: b\n    definition: &x old\n    confidence: 1.0\n    status: active\nother: *x\n',
    ],
    ['what it can not write again as it was', 'x: 0x0F\nterms:\n'],
  ])('refuses to change %s (L14)', (_, text) => {
    expect(put(text, entry('b', 'y'))).toBeNull()
  })

  it('changes entries in braces', () => {
    const text = 'terms:\n  - { surface: b, definition: x, confidence: 1.0, status: active } # c\n'
    expect(put(text, entry('b', 'y, z'))).toBe(text.replace('x', '"y, z"'))
  })

  it('gives up every meaning but one, and the words of each stay', () => {
    const text =
      'terms:\n  - surface: b\n    definition: x\n    status: active\n  - surface: b\n    definition: y\n'
    const after = put(text, entry('b', 'y'))
    expect(seedOf(after ?? '').entries).toEqual([
      entry('b', 'x', { status: 'deprecated' }),
      entry('b', 'y'),
    ])
  })

  it('never resolves an alias', () => {
    const text = `x: &x { surface: b, definition: y }\nterms:\n  - *x\n`
    expect(seedOf(text).faults).toEqual([{ entry: 1, reason: 'not a mapping' }])
    expect(put(text, entry('c', 'new'))).toBe(`${text}${added('c')}`)
  })

  const word = fc.string({
    unit: fc.constantFrom(
      'a',
      'B',
      ' ',
      ':',
      "'",
      '"',
      '#',
      '-',
      '|',
      '\t',
      '\u00e9',
      '\u0085',
      '\u2028',
      '{',
      ',',
      '0',
      '.',
    ),
    minLength: 1,
    maxLength: 12,
  })
  const surface = word.map((text) => normalSurface(`t${text}`))
  const definition = fc
    .array(word, { minLength: 1, maxLength: 3 })
    .map((lines) => normalMeaning(lines.join('\n')))
    .filter((text) => text !== '')
  const one = fc.record({
    surface,
    definition,
    confidence: fc.constantFrom(0, 0.125, 0.85, 1),
    status: fc.constantFrom('active' as const, 'draft' as const),
  })

  property([fc.array(one, { maxLength: 6 }), fc.boolean()])(
    'holds what its replay says, whatever the words are, and the same again is the same bytes',
    (senses, isOld) => {
      let text = isOld ? FILE : ''
      let entries = seedOf(text).entries
      for (const sense of senses) {
        const next = put(text, sense)
        expect(next).not.toBeNull()
        text = next ?? ''
        entries = withSense(entries, sense)
        expect(seedOf(text).entries).toEqual(entries)
        expect(put(text, sense)).toBe(text)
      }
      // Each term's own order is all that counts.
      const byTerm = [...senses].sort((a, b) =>
        a.surface < b.surface ? -1 : Number(a.surface > b.surface),
      )
      const other = byTerm.reduce<string>((now, sense) => put(now, sense) ?? '', isOld ? FILE : '')
      expect(other).toBe(text)
      for (const kept of isOld
        ? ['# places', '# people', '# the end', 'introduced_in_mission: 042-x']
        : []) {
        expect(text).toContain(kept)
      }
    },
  )
})

describe(parseSeed, () => {
  it.each([
    ['not UTF-8', Buffer.from([0xff, 0xfe])],
    ['not a mapping', Buffer.from('- a\n')],
    ['its terms are no list', Buffer.from('terms: 5\n')],
    ['not YAML (BAD_INDENT)', Buffer.from('terms:\n  a: 1\n b: 2\n')],
    ['not YAML (MULTIPLE_DOCS)', Buffer.from('a: 1\n---\nb: 1\n')],
  ])('says of bytes that they are %s', (reason, bytes) => {
    expect(parseSeed(bytes)).toBe(reason)
  })

  it('serves what can be read, and names what can not', () => {
    const text = `terms:
  - surface: 1.5
    definition: a number for a name
  - definition: no name
  - surface: b
  - surface: c
    definition: x
    confidence: high
  - surface: D
    definition: x
    status: other
`
    const { entries, faults } = seedOf(text)
    expect(entries.map((found) => found?.surface ?? null)).toEqual(['1.5', null, null, null, 'd'])
    expect(entries.at(-1)?.status).toBe('draft')
    expect(faults.map(({ entry: at }) => at)).toEqual([2, 3, 4])
  })

  property([anyText(), fc.uint8Array()])('takes any bytes', (text, bytes) => {
    for (const input of [Buffer.from(`terms:\n  - ${text}`), bytes]) {
      expect(['string', 'object']).toContain(typeof parseSeed(input))
    }
  })
})

describe(readSeed, () => {
  it('reads no link and no folder', () => {
    const root = makeFolder()
    const folder = join(root, '.kittify', 'glossaries')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(root, 'elsewhere.yaml'), 'terms: []\n')
    symlinkSync(join(root, 'elsewhere.yaml'), join(folder, 'team_domain.yaml'))
    mkdirSync(join(folder, 'mission_local.yaml'))
    expect(readSeed(root, 'team_domain')).toMatchObject({ state: 'unusable' })
    expect(readSeed(root, 'mission_local')).toMatchObject({ state: 'unusable' })
    expect(readSeed(root, 'audience_domain')).toEqual({ state: 'absent' })
  })
})
