/** Glossary rows, senses and their replay: what is read, what is written, and that order between terms is nothing. */
import { describe, expect, it } from 'vitest'
import { findDrift, foldGlossary } from '#dist/contracts/ledgers/fold-glossary.js'
import type { NumberedGlossaryRow } from '#dist/contracts/ledgers/fold-glossary.js'
import { encodeGlossaryRecord, parseGlossaryRow } from '#dist/contracts/ledgers/glossary-record.js'
import type { GlossaryRecord } from '#dist/contracts/ledgers/glossary-record.js'
import {
  editsFor,
  effectiveSenses,
  normalMeaning,
  normalSurface,
} from '#dist/contracts/ledgers/glossary-sense.js'
import { withSense } from '#dist/contracts/ledgers/glossary-sense.js'
import type { SeedEntry, Seeds, Sense } from '#dist/contracts/ledgers/glossary-sense.js'
import { pythonFloat } from '#dist/contracts/json/python-float.js'
import { reencodeJson } from '#dist/contracts/json/lossless-json.js'
import type { Json } from '#dist/contracts/json/json.js'
import { anyText } from '../support/any-text.ts'
import { fc, property } from '../support/property.ts'

const STAMP = { timestamp: '2026-06-01T07:00:00.000000+00:00' }
const entry = (surface: string, definition: string, more: Partial<SeedEntry> = {}): SeedEntry => ({
  surface,
  definition,
  confidence: 1,
  status: 'active',
  ...more,
})
const sense = (surface: string, definition: string, more: Partial<Sense> = {}): Sense => ({
  ...entry(surface, definition),
  scope: 'team_domain',
  ...more,
})

describe('a float as Python spells it', () => {
  it.each([
    [1, '1.0'],
    [0, '0.0'],
    [-0, '-0.0'],
    [0.85, '0.85'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1.5e-7, '1.5e-07'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.25e100, '1.25e+100'],
    [123456.789, '123456.789'],
    [5e-324, '5e-324'],
  ])('%d is %s', (value, text) => {
    expect(pythonFloat(value)).toBe(text)
  })

  property([fc.double({ noNaN: true, noDefaultInfinity: true })])('is the same number', (value) => {
    const text = pythonFloat(value)
    expect(Object.is(Number(text), value)).toBe(true)
    expect(text).toMatch(/^-?\d+(?:\.\d+)?(?:e[+-]\d{2,3})?$/)
    expect(/[.e]/.test(text)).toBe(true)
  })
})

describe('the spelling of a term', () => {
  it.each([
    ['  Work  Space\t', 'work space'],
    ['WORKSPACE\u0085', 'workspace'],
    ['\u001cTerm\u001f', 'term'],
    ['\ufeffterm', 'term'],
    ['E\u0301tat', '\u00e9tat'],
    ['\u0130stanbul', 'i\u0307stanbul'],
    ['STRASSE \u1e9e', 'strasse \u00df'],
    ['\u039f\u0394\u039f\u03a3', '\u03bf\u03b4\u03bf\u03c2'],
  ])('of %j is %j', (text, surface) => {
    expect(normalSurface(text)).toBe(surface)
  })

  property([anyText()])('is its own spelling', (text) => {
    const surface = normalSurface(text)
    expect(normalSurface(surface)).toBe(surface)
    // What other readers ask of it.
    expect(surface).toBe(surface.trim().toLowerCase())
  })
})

describe(normalMeaning, () => {
  property([anyText()])('has one kind of line end, and nothing around it', (text) => {
    const meaning = normalMeaning(text)
    expect(normalMeaning(meaning)).toBe(meaning)
    expect(meaning).not.toMatch(/[\r\u0085\u2028\u2029\ufeff]/)
  })
})

describe('a row', () => {
  it('is written spaced, sorted and in ASCII, with floats', () => {
    const record: GlossaryRecord = {
      event_id: '01J00000000000000000000000',
      event_type: 'GlossaryClarificationResolved',
      ...STAMP,
      conflict_id: 'c',
      term_surface: '\u00e9tat',
      selected_sense: {
        surface: '\u00e9tat',
        scope: 'team_domain',
        definition: 'a "confidence": 1',
        confidence: 1,
      },
      actor: { actor_id: 'cli', actor_type: 'human', display_name: 'cli' },
      resolution_mode: 'interactive',
      provenance: { source: 'user_clarification', ...STAMP, actor_id: 'cli' },
    }
    const line = encodeGlossaryRecord(record)
    expect(line).toBe(
      '{"actor": {"actor_id": "cli", "actor_type": "human", "display_name": "cli"}, ' +
        '"conflict_id": "c", "event_id": "01J00000000000000000000000", ' +
        '"event_type": "GlossaryClarificationResolved", ' +
        '"provenance": {"actor_id": "cli", "source": "user_clarification", ' +
        '"timestamp": "2026-06-01T07:00:00.000000+00:00"}, "resolution_mode": "interactive", ' +
        '"selected_sense": {"confidence": 1.0, "definition": "a \\"confidence\\": 1", ' +
        '"scope": "team_domain", "surface": "\\u00e9tat"}, "term_surface": "\\u00e9tat", ' +
        '"timestamp": "2026-06-01T07:00:00.000000+00:00"}',
    )
    // Whoever merges logs writes the same.
    expect(reencodeJson(line, 'spaced')).toBe(line)
    expect(parseGlossaryRow(JSON.parse(line) as Json)).toMatchObject({
      family: 'resolved',
      sense: { surface: '\u00e9tat', status: 'active' },
    })
  })

  it('of another writer is read as it is meant: without an id, of a capital term, of no scope', () => {
    const row = {
      event_type: 'GlossaryClarificationResolved',
      conflict_id: 'c',
      term_surface: 'Workspace',
      selected_sense: {
        surface: 'Workspace',
        scope: 'team_domain',
        definition: 'D',
        confidence: 0.9,
      },
      provenance: { timestamp: '' },
    }
    expect(parseGlossaryRow(row)).toMatchObject({
      family: 'resolved',
      event_id: null,
      timestamp: '',
      sense: { surface: 'workspace', confidence: 0.9 },
    })
    const unknown = { ...row, selected_sense: { ...row.selected_sense, scope: 'unknown' } }
    expect(parseGlossaryRow(unknown)).toMatchObject({ family: 'resolved', sense: null })
  })

  it.each<[string, Json]>([
    ['not an object', [1]],
    ['without a type', { term: 'x' }],
    ['an observation of no term', { event_type: 'TermCandidateObserved', term: ' ' }],
    ['without a sense', { event_type: 'GlossarySenseUpdated', scope: 'team_domain' }],
    [
      'a sense of no scope',
      {
        event_type: 'GlossarySenseUpdated',
        scope: 'x',
        new_sense: { surface: 'a', definition: 'b' },
      },
    ],
    [
      'a sense with a confidence that is not from 0 to 1',
      {
        event_type: 'GlossarySenseUpdated',
        scope: 'team_domain',
        new_sense: { surface: 'a', definition: 'b', confidence: 2 },
      },
    ],
    ['a request without an id', { event_type: 'GlossaryClarificationRequested', term: 'x' }],
    ['a resolution without an id', { event_type: 'GlossaryClarificationResolved' }],
  ])('is refused as %s', (reason, value) => {
    expect(parseGlossaryRow(value)).toBe(reason)
  })

  property([fc.jsonValue(), fc.constantFrom('GlossarySenseUpdated', 'TermCandidateObserved', 'x')])(
    'of any shape is read or refused',
    (value, event_type) => {
      for (const one of [value, { event_type, new_sense: value, term: value }]) {
        expect(['string', 'object']).toContain(typeof parseGlossaryRow(one as Json))
      }
    },
  )
})

describe(editsFor, () => {
  it('puts a new term before the first that is greater', () => {
    const entries = [entry('b', '1'), null, entry('d', '2')]
    expect(withSense(entries, entry('c', '3')).map((one) => one?.surface)).toEqual([
      'b',
      undefined,
      'c',
      'd',
    ])
  })

  it('changes the one entry that counts, and nothing a second time', () => {
    const once = withSense([entry('a', 'old')], entry('a', 'new'))
    expect(once).toEqual([entry('a', 'new')])
    expect(editsFor(once, entry('a', 'new'))).toEqual([])
  })

  it('of several meanings makes one count, and loses none', () => {
    const entries = [entry('a', 'one'), entry('a', 'two', { status: 'draft' })]
    expect(withSense(entries, entry('a', 'two'))).toEqual([
      entry('a', 'one', { status: 'deprecated' }),
      entry('a', 'two'),
    ])
  })

  it('gives a meaning up and leaves the others', () => {
    const entries = [entry('a', 'one'), entry('a', 'two')]
    expect(withSense(entries, entry('a', 'two', { status: 'deprecated' }))).toEqual([
      entry('a', 'one'),
      entry('a', 'two', { status: 'deprecated' }),
    ])
  })
})

describe(effectiveSenses, () => {
  it('takes the strongest scope in which the term is not deprecated', () => {
    const seeds: Seeds = new Map([
      ['spec_kitty_core', [entry('a', 'core'), entry('b', 'core')]],
      ['team_domain', [entry('a', 'team', { status: 'deprecated' }), entry('b', 'team'), null]],
      ['mission_local', [entry('b', 'here', { status: 'draft' })]],
    ])
    expect(effectiveSenses(seeds).map(({ surface, definition }) => [surface, definition])).toEqual([
      ['a', 'core'],
      ['b', 'here'],
    ])
  })
})

const row = (line: number, fields: object): NumberedGlossaryRow => {
  const parsed = parseGlossaryRow({ ...STAMP, ...fields })
  if (typeof parsed === 'string') throw new Error(parsed)
  return { log: 'm.events.jsonl', line, row: parsed }
}
const resolved = (conflict_id: string, selected_sense: Sense, event_id = `r-${conflict_id}`) => ({
  event_type: 'GlossaryClarificationResolved',
  event_id,
  conflict_id,
  selected_sense,
})
const asked = (conflict_id: string) => ({
  event_type: 'GlossaryClarificationRequested',
  event_id: `q-${conflict_id}`,
  conflict_id,
  term: 'A',
  question: 'Which?',
  options: ['one', 'two'],
})

describe(foldGlossary, () => {
  it('opens and settles clarifications by their ids, and counts a row that came twice once', () => {
    const rows = [
      row(1, asked('c1')),
      row(2, asked('c2')),
      row(3, resolved('c1', sense('a', 'one'))),
      row(4, resolved('c1', sense('a', 'one'))),
      row(5, { event_type: 'TermCandidateObserved', term: 'A', event_id: 'o' }),
      row(6, { event_type: 'TermCandidateObserved', term: 'A', event_id: 'o' }),
    ]
    const fold = foldGlossary(new Map(), rows)
    expect(
      [...fold.clarifications.values()].map((one) => one.resolution?.event_id ?? null),
    ).toEqual(['r-c1', null])
    expect(fold.seeds.get('team_domain')).toEqual([entry('a', 'one')])
    expect(fold.observed.get('a')).toBe(1)
    expect(fold.anomalies).toEqual([])
  })

  it('reports what does not fit, and serves it all the same', () => {
    const rows = [
      row(1, resolved('c0', sense('z', 'zed'))),
      row(2, asked('c1')),
      row(3, { ...asked('c1'), event_id: 'other' }),
      row(4, resolved('c1', sense('a', 'one'))),
      row(5, resolved('c1', sense('a', 'two'), 'later')),
    ]
    const fold = foldGlossary(new Map(), rows)
    expect(fold.anomalies.map(({ line, kind }) => [line, kind])).toEqual([
      [1, 'resolved_unrequested'],
      [3, 'requested_twice'],
      [5, 'resolved_otherwise'],
    ])
    expect(fold.clarifications.get('c1')?.resolution?.sense?.definition).toBe('one')
    expect(fold.seeds.get('team_domain')).toEqual([entry('a', 'two'), entry('z', 'zed')])
  })

  it('takes what two clones settled otherwise for settled once a meaning is given', () => {
    const rows = [
      row(1, asked('c1')),
      row(2, resolved('c1', sense('a', 'one'))),
      row(3, resolved('c1', sense('a', 'two'), 'other')),
    ]
    expect(foldGlossary(new Map(), rows).anomalies).toHaveLength(1)
    const update = (surface: string) =>
      row(4, { event_type: 'GlossarySenseUpdated', new_sense: sense(surface, 'three') })
    expect(foldGlossary(new Map(), [...rows, update('b')]).anomalies).toHaveLength(1)
    expect(foldGlossary(new Map(), [...rows, update('a')]).anomalies).toEqual([])
  })

  const terms = fc.constantFrom('a', 'b', 'c', 'd')
  const senses = fc.record({
    surface: terms,
    definition: fc.constantFrom('one', 'two', 'three'),
    scope: fc.constantFrom('team_domain' as const, 'mission_local' as const),
    confidence: fc.constantFrom(0.5, 1),
    status: fc.constantFrom('active' as const, 'draft' as const, 'deprecated' as const),
  })
  const files = fc.array(fc.oneof(fc.constant(null), senses), { maxLength: 6 })

  property([files, fc.array(senses, { maxLength: 12 }), fc.infiniteStream(fc.nat(3))])(
    'comes to the same in any interleaving that keeps the order of each term, and a second time',
    (list, made, picks) => {
      const seeds: Seeds = new Map([['team_domain', list.map(withoutScope)]])
      const rows = made.map((new_sense, at) =>
        row(at + 1, { event_type: 'GlossarySenseUpdated', event_id: `e${at}`, new_sense }),
      )
      const wanted = foldGlossary(seeds, rows)
      const mixed = foldGlossary(seeds, interleaved(rows, picks))
      expect(mixed.seeds).toEqual(wanted.seeds)
      // Nothing but the last word of each term counts, and it is there already.
      expect(findDrift(wanted.seeds, wanted.senses.values())).toEqual([])
    },
  )
})

function withoutScope(one: Sense | null): SeedEntry | null {
  if (one === null) return null
  const { scope: _, ...rest } = one
  return rest
}

function interleaved(
  rows: readonly NumberedGlossaryRow[],
  picks: Iterator<number>,
): NumberedGlossaryRow[] {
  const queues = new Map<string, NumberedGlossaryRow[]>()
  for (const one of rows) {
    if (one.row.family !== 'sense') continue
    const key = `${one.row.sense.scope} ${one.row.sense.surface}`
    queues.set(key, [...(queues.get(key) ?? []), one])
  }
  const mixed: NumberedGlossaryRow[] = []
  for (let left = [...queues.values()]; left.length > 0; left = left.filter((q) => q.length > 0)) {
    const queue = left[(picks.next().value ?? 0) % left.length]
    const next = queue?.shift()
    if (next !== undefined) mixed.push(next)
  }
  return mixed
}
