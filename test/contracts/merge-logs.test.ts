/** Two sides of a log become one: every id, in one order, whoever asks. */
import { describe, expect, it } from 'vitest'
import { reencodeJson } from '#dist/contracts/json/lossless-json.js'
import { mergeLogs } from '#dist/contracts/ledgers/merge-logs.js'
import { sideLines } from '#dist/workers/git/logs/log-lines.js'
import { fc, property } from '../support/property.ts'

type Row = { readonly event_id: string; readonly at: string; readonly [key: string]: unknown }

const row = (id: number, second: number, more: object = {}): Row => ({
  event_id: `01KT119Y0000000000000${String(id).padStart(5, '0')}`,
  at: new Date(Date.UTC(2026, 5, 1) + second * 1000).toISOString().replace('Z', '000+00:00'),
  ...more,
})
const log = (rows: readonly object[]): Buffer =>
  Buffer.from(rows.map((one) => `${reencodeJson(JSON.stringify(one), 'spaced')}\n`).join(''))
const merge = (...sides: readonly (readonly object[])[]) =>
  mergeLogs(
    sides.map((rows) => sideLines(log(rows))),
    'spaced',
  )
const idsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as Row).event_id)
const byTime = (a: Row, b: Row): number =>
  a.at === b.at ? (a.event_id < b.event_id ? -1 : 1) : a.at < b.at ? -1 : 1

describe('numbers', () => {
  it.each(['1.0', '-0.0', '1e-07', '1e+16', '12345678901234567890', '0.1', '1E5'])(
    'keep the spelling %s when their line is written anew',
    (number) => {
      const text = `{"b": [${number}, {"n": ${number}}], "a": "é\\u2028 {\\"x\\": 1}"}`
      const written = reencodeJson(text, 'spaced')
      expect(written).toBe(
        `{"a": "\\u00e9\\u2028 {\\"x\\": 1}", "b": [${number}, {"n": ${number}}]}`,
      )
      expect(reencodeJson(written, 'spaced')).toBe(written)
    },
  )

  property([fc.jsonValue({ maxDepth: 5 })])('and all else as the language writes it', (value) => {
    const forbidden = /__proto__|constructor|prototype/
    const text = JSON.stringify(value)
    if (forbidden.test(text)) return
    expect(JSON.parse(reencodeJson(` ${text} `, 'compact'))).toEqual(JSON.parse(text))
  })

  it.each(['{', '{"a":1', '[1,', '"', '{"a" 1}', 'nul', '[1 2]'])('%s is no JSON', (text) => {
    expect(() => reencodeJson(text, 'spaced')).toThrow(
      expect.objectContaining({ code: 'JSON_SYNTAX' }),
    )
  })
})

describe('two sides of a log', () => {
  const rows = fc
    .array(fc.record({ second: fc.integer({ min: 0, max: 20 }), side: fc.constantFrom(0, 1, 2) }), {
      maxLength: 30,
    })
    .map((picks) => picks.map(({ second, side }, id) => ({ side, row: row(id, second) })))

  property([rows])('in the order of time are merged in the order of time', (picks) => {
    const all = picks.map((pick) => pick.row).sort(byTime)
    const sideOf = (wanted: number): Row[] =>
      all.filter((one) =>
        picks.some(({ side, row: other }) => other === one && (side === 2 || side === wanted)),
      )
    const both = all.filter((one) =>
      picks.some(({ side, row: other }) => other === one && side === 2),
    )
    const merged = merge(both, sideOf(0), sideOf(1))
    expect(merged.text).toBe(log(all).toString())
    expect(merged).toMatchObject({ conflicts: [], unread: [] })
  })

  property([
    fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 12 }),
    fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 12 }),
    fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 6 }),
  ])(
    'that went apart by any clocks give the same bytes either way, no id lost, each in its own order',
    (one, other, before) => {
      const common = before.map((second, id) => row(id, second))
      const a = [...common, ...one.map((second, id) => row(100 + id, second))]
      const b = [...common, ...other.map((second, id) => row(200 + id, second))]
      const merged = merge(common, a, b)
      expect(merge(common, b, a).text).toBe(merged.text)
      const ids = idsOf(merged.text)
      expect([...ids].sort()).toEqual(
        [...new Set([...a, ...b].map(({ event_id }) => event_id))].sort(),
      )
      for (const side of [a, b]) {
        const own = side.map(({ event_id }) => event_id)
        expect(ids.filter((id) => own.includes(id))).toEqual(own)
      }
      // What was merged once is merged again into the same.
      const again = sideLines(Buffer.from(merged.text))
      expect(mergeLogs([sideLines(log(a)), again, again], 'spaced').text).toBe(merged.text)
    },
  )

  const shuffled = fc.shuffledSubarray(Array.from({ length: 7 }, (_, id) => row(id, (id * 5) % 7)))
  property([shuffled, shuffled, shuffled])(
    'that disagree with each other and with their base give the same bytes whoever asks',
    (base, ours, theirs) => {
      const { text } = merge(base, ours, theirs)
      expect(merge(base, theirs, ours).text).toBe(text)
      expect(merge(ours, theirs, base).text).toBe(text)
      const all = new Set([...base, ...ours, ...theirs].map(({ event_id }) => event_id))
      expect(idsOf(text).sort()).toEqual([...all].sort())
    },
  )

  it('with one id and two contents keep the same one either way, and name both', () => {
    const [mine, yours] = [row(1, 0, { lane: 'b' }), row(1, 0, { lane: 'a' })]
    const merged = merge([], [mine], [yours])
    expect(merged.text).toBe(log([yours]).toString())
    expect(merged.conflicts).toEqual([
      {
        event_id: mine.event_id,
        versions: [yours, mine].map((one) => log([one]).toString().trimEnd()),
      },
    ])
    expect(merge([], [yours], [mine])).toEqual(merged)
  })

  it('do not bring back what one of them has redacted, by a row or in place', () => {
    const secret = row(1, 0, { reason: 'secret' })
    const tombstone = { ...row(2, 5), event_type: 'EventRedacted', redacts: secret.event_id }
    const other = row(3, 9)
    for (const [a, b] of [
      [[tombstone], [secret, other]],
      [[secret, other], [tombstone]],
    ] as const) {
      const merged = merge([secret], a, b)
      expect(idsOf(merged.text)).toEqual([tombstone.event_id, other.event_id])
      expect(merged.conflicts).toEqual([])
    }
    const redacted = { ...row(1, 0, { reason: null }), redacted: true }
    for (const [a, b] of [
      [[redacted], [secret]],
      [[secret], [redacted]],
    ] as const) {
      const merged = merge([secret], a, b)
      expect(merged.text).toBe(log([redacted]).toString())
      expect(merged.conflicts).toEqual([])
    }
  })

  it('hand out what can not be read, once, and merge the rest', () => {
    const torn = Buffer.concat([
      log([row(1, 0)]),
      Buffer.from('<<<<<<< ours\n{"event_id": "x", \n{"a":1}\n'),
    ])
    const merged = mergeLogs(
      [[], sideLines(torn), sideLines(Buffer.concat([torn, log([row(2, 1)])]))],
      'spaced',
    )
    expect(merged.text).toBe(log([row(1, 0), { a: 1 }, row(2, 1)]).toString())
    expect(merged.unread).toEqual(['<<<<<<< ours', '{"event_id": "x", '])
  })
})
