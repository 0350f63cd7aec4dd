/** Glossary logs healed in place: proven, kept as they were, committed by nobody, at whatever step it is broken off. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeGlossaryRecord } from '#dist/contracts/ledgers/glossary-record.js'
import { checkGlossary, findingsOf } from '#dist/read-glossary.js'
import { repairLogs } from '#dist/repair-logs.js'
import { planRepair } from '#dist/workers/git/logs/repair-plan.js'
import { filesOf } from '../../support/files-of.ts'
import { GlossaryLab } from '../../support/glossary-lab.ts'

const STEPS_MAX = 60

let lab: GlossaryLab

beforeEach(() => (lab = new GlossaryLab()))
afterEach(() => lab.remove())

const rowOf = ({ records }: ReturnType<GlossaryLab['request']>): string =>
  records.map((record) => `${encodeGlossaryRecord(record)}\n`).join('')
/** In the order of their ids, which of equal times decides. */
const rowsOf = (...terms: string[]): string[] =>
  terms.map((term) => rowOf(lab.request(term))).sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))

function write(text: string): void {
  mkdirSync(dirname(lab.logPath), { recursive: true })
  writeFileSync(lab.logPath, text)
}
const repair = (isDry = false) => lab.ledger().repair(lab.mission, isDry)
const kept = (name: string | null): string =>
  readFileSync(join(lab.repository.commonDir, name ?? ''), 'utf8')

describe('a damaged glossary log', () => {
  it('becomes what it stands for, and is kept as it was', async () => {
    const [one = '', two = '', three = '', four = ''] = rowsOf('a', 'b', 'c', 'd')
    const damaged = `${one}{"event_id": "torn\n<<<<<<< ours\n${two}${one}=======\n${three}>>>>>>> theirs\n${four}{"to`
    write(damaged)
    const before = filesOf(lab.root)
    const examined = await repair(true)
    expect(examined).toMatchObject({ changed: true, markers: 3, duplicates: 1, unreadable: 2 })
    expect(examined.kept).toBeNull()
    expect(filesOf(lab.root)).toEqual(before)
    const repaired = await repair()
    expect(repaired).toMatchObject({ ...examined, kept: expect.any(String) as string })
    expect(repaired).toMatchObject({
      path: `.kittify/events/glossary/${lab.mission}.events.jsonl`,
      commit: null,
    })
    expect(lab.log()).toBe(one + two + three + four)
    expect(kept(repaired.kept)).toBe(damaged)
    expect(findingsOf(checkGlossary(lab.repository))).toEqual([])
    expect(await repair()).toMatchObject({ changed: false, kept: null })
  })

  it('keeps its rights, rows of other writers, and the first of two contents', async () => {
    const [one = '', two = ''] = rowsOf('a', 'b')
    const nameless = '{"event_type": "StepCheckpointed", "n": 1}\n'
    const other = one.replace('"question": "Which?"', '"question": "Who?"')
    write(nameless + one + nameless + one + other + two)
    chmodSync(lab.logPath, 0o640)
    expect(await repair()).toMatchObject({ duplicates: 1, conflicts: [idOf(one)] })
    expect(lab.log()).toBe(nameless + one + nameless + two)
    expect(statSync(lab.logPath).mode & 0o777).toBe(0o640)
  })

  it('says the same to `glossary verify` where only rows were doubled', async () => {
    const { conflict_id } = await lab.ask('workspace')
    await lab.resolve(conflict_id, 'A worktree')
    await lab.define('mole', 'x')
    lab.writeSeed(lab.seed().replace('A worktree', 'by hand'))
    const before = checkGlossary(lab.repository)
    write(lab.log() + lab.log())
    await repair()
    expect(checkGlossary(lab.repository)).toEqual(before)
    expect(lab.rows()).toHaveLength(3)
  })

  it('is left where the whole one could not be proven to say the same', () => {
    const [one = ''] = rowsOf('a')
    const plan = (viewOf: (bytes: Buffer) => string) =>
      planRepair(Buffer.from(one + one), 'spaced', viewOf)
    expect(plan(() => 'the same')).toMatchObject({ text: one, duplicates: 1 })
    expect(() => plan(String)).toThrow(expect.objectContaining({ code: 'REPAIR_UNPROVEN' }))
  })

  it('overwrites nothing that another program wrote meanwhile', async () => {
    const [one = '', two = ''] = rowsOf('a', 'b')
    write(`${one}garbage\n`)
    const racing = lab.ledger({
      onStep: (step, at) => {
        if (step !== 'rename' || !at.includes('/repaired/')) return
        writeFileSync(lab.logPath, two, { flag: 'a' })
      },
    })
    await expect(racing.repair(lab.mission, false)).rejects.toMatchObject({
      code: 'LEDGER_CHANGED',
    })
    expect(lab.log()).toBe(`${one}garbage\n${two}`)
    await repair()
    expect(lab.log()).toBe(one + two)
  })

  it('broken off at any step loses nothing, and is healed by the next one', async () => {
    const [one = '', two = ''] = rowsOf('a', 'b')
    let failAt = 1
    for (let failed = true; failed; failAt += 1) {
      const damaged = `${one}broken ${failAt}\n${two}${one}`
      write(damaged)
      let steps = 0
      failed = false
      const dying = lab.ledger({
        onStep: () => {
          steps += 1
          if (steps < failAt) return
          failed = true
          throw new Error('dead')
        },
      })
      await dying.repair(lab.mission, false).catch(() => undefined)
      expect([damaged, one + two]).toContain(lab.log())
      await repair()
      expect(lab.log()).toBe(one + two)
      const keeps = join(lab.repository.commonDir, 'kittiwake/repaired', lab.mission)
      const texts = Object.keys(filesOf(keeps)).map((name) => readFileSync(name, 'utf8'))
      expect(texts).toContain(damaged)
    }
    expect(failAt).toBeGreaterThan(8)
    expect(failAt).toBeLessThan(STEPS_MAX)
    expect(lab.files().filter((name) => name.includes('tmp'))).toEqual([])
  })
})

it('a whole glossary log is left as it is, to the byte and the time', async () => {
  const { conflict_id } = await lab.ask('workspace')
  await lab.resolve(conflict_id, 'A worktree')
  const before = [filesOf(join(lab.root, '.kittify')), checkGlossary(lab.repository)]
  expect(await repair()).toMatchObject({ changed: false, kept: null })
  expect([filesOf(join(lab.root, '.kittify')), checkGlossary(lab.repository)]).toEqual(before)
})

it('`log repair` heals the glossary logs that are there, of missions here and elsewhere', async () => {
  await lab.ask('workspace')
  const stranger = join(dirname(lab.logPath), 'elsewhere.events.jsonl')
  writeFileSync(stranger, 'garbage\n')
  writeFileSync(join(dirname(lab.logPath), '.hidden.events.jsonl'), 'garbage\n')
  const repairAll = async (hasOthers: boolean) => {
    const wish = { missions: [], hasOthers, isDry: false }
    const { logs } = await repairLogs(lab.repository, wish)
    return logs.map((log) => [log.mission_slug, log.ok ? log.repair.changed : log.error.code])
  }
  expect(await repairAll(false)).toEqual([])
  expect(await repairAll(true)).toEqual([
    ['.hidden', 'GLOSSARY_MISSION_NAME'],
    ['elsewhere', true],
    [lab.mission, false],
  ])
  expect(readFileSync(stranger, 'utf8')).toBe('')
})

function idOf(row: string): string {
  return (JSON.parse(row) as { event_id: string }).event_id
}
