import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readDecisionLog } from '#dist/workers/git/logs/decision-log.js'
import { AUTHOR, IDENTITY, LedgerRepository } from '../../support/ledger-repository.ts'
import { stride } from '../../support/rows.ts'

/** More changes of the disk than one decision makes; the sweep ends at the first number that is too high. */
const STEPS_MAX = 250
const SWEEP_TIMEOUT_MS = 180_000
const CHILD = join(import.meta.dirname, '../../support/ledger-child.mjs')

type Printed = { requested?: string; answered?: string; committed?: string; steps?: number }

let repository: LedgerRepository
let mission: string

beforeEach(() => {
  repository = new LedgerRepository()
  mission = repository.createMission('first')
})

afterEach(() => repository.remove())

const job = (extra: object): string =>
  JSON.stringify({
    repository: repository.options().repository,
    placement: repository.placement(mission),
    identity: IDENTITY,
    author: AUTHOR,
    ...extra,
  })
const parse = (output: string): Printed[] =>
  output
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Printed)
const branchCommits = (): string[] =>
  repository.git
    .git('rev-list', '--reverse', `main..${repository.branch(mission)}`)
    .trim()
    .split('\n')
    .filter((line) => line !== '')

/** After the next heal: every acknowledged request and answer is there, each commit has its frame, once. */
async function expectHealed(acknowledged: readonly Printed[]): Promise<void> {
  const ledger = repository.ledger()
  const healed = await ledger.heal()
  expect(healed.deferred).toEqual([])
  expect(ledger.takeWarnings()).toEqual([])
  const requested = acknowledged.flatMap((line) => line.requested ?? [])
  const path = repository.logPath(mission)
  const log = existsSync(path) ? readFileSync(path, 'utf8') : ''
  for (const id of requested) expect(log).toContain(id)
  const answered = acknowledged.flatMap((line) => line.answered ?? [])
  const { commonDir } = repository
  const { decisions, skipped } =
    branchCommits().length === 0
      ? { decisions: [], skipped: [] }
      : await readDecisionLog({ commonDir, mission })
  expect(skipped).toEqual([])
  const committed = new Set(
    decisions.filter(({ commit }) => commit !== null).map(({ decision_id }) => decision_id),
  )
  for (const id of answered) expect(committed.has(id)).toBe(true)
  const frames = await ledger.frames()
  expect(frames.map((frame) => frame.git_hash)).toEqual(branchCommits())
  expect(existsSync(join(commonDir, 'kittiwake/deferred.json'))).toBe(false)
}

describe('a process killed while a decision is recorded', () => {
  it(
    'at any change of the disk loses nothing acknowledged, and the next heal repairs (L9)',
    async () => {
      const acknowledged: Printed[] = []
      const { every, first } = stride(3)
      let killAt = first
      for (; killAt <= STEPS_MAX; killAt += every) {
        const printed = await decideUntilDead(killAt)
        acknowledged.push(...printed)
        await expectHealed(acknowledged)
        if (printed.some((line) => line.steps !== undefined)) break
      }
      expect(killAt).toBeGreaterThan(60)
      expect(killAt).toBeLessThan(STEPS_MAX)
      expect(repository.git.fsck()).toBe('')
      const { worktree } = repository.placement(mission)
      expect(repository.git.gitIn(worktree, 'diff', '--cached', '--name-only')).toBe('')
    },
    SWEEP_TIMEOUT_MS,
  )

  it('by SIGKILL in the middle loses nothing acknowledged', async () => {
    const acknowledged: Printed[] = []
    for (let killAt = 2; killAt < 78; killAt += 7) {
      const { stdout, signal } = spawnSync(process.execPath, [CHILD, job({ killAt })], {
        encoding: 'utf8',
      })
      expect(signal).toBe('SIGKILL')
      acknowledged.push(...parse(stdout))
      await expectHealed(acknowledged)
    }
    expect(repository.git.fsck()).toBe('')
  })

  it('by a signal from outside loses nothing acknowledged either', async () => {
    const acknowledged: Printed[] = []
    for (let round = 0; round < 5; round += 1) {
      acknowledged.push(...(await killAfterLines(1 + round * 2)))
      await expectHealed(acknowledged)
    }
    expect(acknowledged.filter((line) => line.answered !== undefined).length).toBeGreaterThan(5)
    expect(repository.git.fsck()).toBe('')
  })

  it('and two processes at once record each decision once', async () => {
    const outputs = await Promise.all([runToEnd(), runToEnd()])
    const acknowledged = outputs.flat()
    await expectHealed(acknowledged)
    const { decisions } = await readDecisionLog({ commonDir: repository.commonDir, mission })
    expect(decisions).toHaveLength(12)
    expect(new Set(decisions.map(({ decision_id }) => decision_id)).size).toBe(12)
  })
})

/** What dies here changes nothing on the disk from that step on, as if the process had been killed there. */
async function decideUntilDead(killAt: number): Promise<Printed[]> {
  let steps = 0
  const ledger = repository.ledger({
    onStep: () => {
      steps += 1
      if (steps >= killAt) throw new Error('dead')
    },
  })
  const printed: Printed[] = []
  try {
    const request = repository.requested(mission)
    await ledger.request(mission, request)
    const { decision_id } = request.payload
    printed.push({ requested: decision_id })
    await ledger.answer(mission, repository.answered(mission, decision_id))
    printed.push({ answered: decision_id })
    const answer = await ledger.commit(mission, 'decisions')
    printed.push(answer.type === 'git.committed' && steps < killAt ? { steps } : {})
  } catch (error) {
    expect(steps).toBeGreaterThanOrEqual(killAt)
    if (!(error instanceof Error)) throw error
  }
  return printed
}

/** The child is killed as soon as it has printed so many lines: somewhere in the next step. */
async function killAfterLines(lines: number): Promise<Printed[]> {
  const child = spawn(process.execPath, [CHILD, job({ count: 50 })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.split('\n').length > lines) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.once('close', resolve))
  return parse(output)
}

async function runToEnd(): Promise<Printed[]> {
  const child = spawn(process.execPath, [CHILD, job({ count: 6 })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code).toBe(0)
  return parse(output)
}
