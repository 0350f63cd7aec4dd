/** A damaged log becomes the log that it stands for: no id goes, and what was whole stays byte for byte. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mergeLogs } from '#dist/contracts/ledgers/merge-logs.js'
import { idsOf, repairLog } from '#dist/contracts/ledgers/repair-log.js'
import { encodeTransition } from '#dist/contracts/ledgers/status-record.js'
import { sideLines } from '#dist/workers/git/logs/log-lines.js'
import { GIT_ENVIRONMENT } from '../support/git-repository.ts'
import { fc, property } from '../support/property.ts'
import { transition } from '../support/status-rows.ts'

const MISSIONS = join(import.meta.dirname, '../../../shared/corpus/missions')

const line = (id: number, second: number, more: object = {}): string =>
  encodeTransition({
    ...transition(`WP${id}`, 'genesis', 'planned', second),
    event_id: `01KT119Y0000000000000${String(id).padStart(5, '0')}`,
    ...more,
  })
const textOf = (lines: readonly string[]): string => lines.map((one) => `${one}\n`).join('')
const repair = (text: string | Buffer) => repairLog(sideLines(Buffer.from(text)), 'spaced')
const ids = (text: string) => [...idsOf(sideLines(Buffer.from(text)))]

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kittiwake-repair-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What native git leaves of two sides, with its markers. */
function left(base: string, ours: string, theirs: string, style: string): string {
  const files = Object.entries({ ours, base, theirs }).map(([name, text]) => {
    writeFileSync(join(folder, name), text)
    return name
  })
  const styles = style === 'merge' ? [] : [`--${style}`]
  const { stdout } = spawnSync('git', ['merge-file', '-p', ...styles, ...files], {
    cwd: folder,
    env: GIT_ENVIRONMENT,
    encoding: 'utf8',
  })
  return stdout
}

describe('what git leaves of two sides', () => {
  const seconds = fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 8 })

  property([seconds, seconds, seconds, fc.constantFrom('merge', 'diff3', 'zdiff3')], {
    numRuns: 40,
  })('becomes what the merge driver makes of them', (before, one, other, style) => {
    const common = before.map((second, id) => line(id, second))
    const ours = textOf([...common, ...one.map((second, id) => line(100 + id, second))])
    const theirs = textOf([...common, ...other.map((second, id) => line(200 + id, second))])
    const sides = [textOf(common), ours, theirs].map((text) => sideLines(Buffer.from(text)))
    const damaged = left(textOf(common), ours, theirs, style)
    const healed = repair(damaged)
    expect(healed.text).toBe(mergeLogs(sides, 'spaced').text)
    expect(healed.markers > 0).toBe(one.length > 0 && other.length > 0)
    expect(healed).toMatchObject({ duplicates: 0, unreadable: 0, conflicts: [] })
    expect(repair(healed.text).text).toBe(healed.text)
  })
})

describe('a damaged log', () => {
  const whole = [line(1, 1), line(2, 2), line(3, 3)]
  const damage = fc.oneof(
    fc.constantFrom('<<<<<<< ours', '=======', '>>>>>>> theirs', '||||||| base', '<<<<<<<<< deep'),
    fc.constantFrom('{"event_id": "torn', 'garbage', '', '  ', '[1]', '7', '{"no": "id"}'),
    fc.integer({ min: 1, max: 9 }).map((id) => line(id, id)),
    fc.integer({ min: 1, max: 9 }).map((id) => line(id, id, { reason: 'else' })),
  )

  property([fc.array(damage, { maxLength: 16 }), fc.constantFrom('\n', '\r\n'), fc.boolean()], {
    numRuns: 200,
  })('keeps every id, can be read whole, and again stays as it is', (lines, end, marked) => {
    const text = `${marked ? '\ufeff' : ''}${lines.join(end)}`
    const healed = repair(text)
    expect(ids(healed.text).sort()).toEqual(ids(text).sort())
    const again = repair(healed.text)
    expect(again).toEqual({ ...healed, markers: 0, duplicates: 0, unreadable: 0, conflicts: [] })
    for (const one of sideLines(Buffer.from(healed.text))) expect(one.value).not.toBeNull()
  })

  it.each([
    ['a torn line in the middle', [whole[0], '{"event_id": "x', whole[1]], { unreadable: 1 }],
    ['a row twice', [whole[0], whole[1], whole[0]], { duplicates: 1 }],
    ['nothing', whole, {}],
    ['a row without an id twice, which may be two', ['{"a": 1}', '{"a": 1}'], {}],
  ])('with %s is told so', (_, lines, counts) => {
    const healed = repair(textOf(lines.map(String)))
    const none = { markers: 0, duplicates: 0, unreadable: 0, conflicts: [] }
    expect(healed).toMatchObject({ ...none, ...counts })
  })

  it('with one id and two contents keeps the one that counts', () => {
    const healed = repair(textOf([whole[1] ?? '', line(2, 2, { reason: 'else' })]))
    expect(healed.text).toBe(textOf([whole[1] ?? '']))
    expect(healed.conflicts).toEqual(['01KT119Y000000000000000002'])
  })

  it('drops no row that another one takes back', () => {
    const redaction = JSON.stringify({
      event_id: 'r',
      event_type: 'EventRedacted',
      redacts: '01KT119Y000000000000000001',
    })
    const text = textOf(['<<<<<<< a', line(1, 1), '=======', redaction, '>>>>>>> b'])
    expect(ids(repair(text).text).sort()).toEqual(['01KT119Y000000000000000001', 'r'])
  })

  it('of the corpus is none', (context) => {
    if (!existsSync(MISSIONS) && process.env['REQUIRE_SHARED'] !== '1') {
      console.log('skipped: no corpus beside the project')
      context.skip()
    }
    for (const name of readdirSync(MISSIONS)) {
      const bytes = readFileSync(join(MISSIONS, name, 'status.events.jsonl'))
      expect(repair(bytes).text === bytes.toString('utf8'), name).toBe(true)
    }
  })
})
