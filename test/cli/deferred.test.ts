/** A commit that can't be made now: exit 7, the answer recorded, the reason shown, and healed once the cause is gone. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestMachine } from '../support/test-machine.ts'
import type { Project } from '../support/test-machine.ts'
import type { Ended } from '../support/program.ts'

const machine = new TestMachine()
let project: Project
beforeAll(async () => {
  project = await machine.project('seabird')
  await machine.ok(project.root, ['sync', 'opt-in'])
})
afterAll(() => machine.close())

describe('a lock of git that somebody else holds', () => {
  it('defers the commit, and the next emit makes it once the lock is gone', async () => {
    const made = await machine.ok(project.root, ['mission', 'create', 'harbour'])
    const mission = made['mission_slug'] as string
    const gitDir = machine.git(made['worktree'] as string, 'rev-parse', '--absolute-git-dir').trim()
    const lock = join(gitDir, 'index.lock')
    writeFileSync(lock, '')
    const answered = await decide(mission)
    expect(answered).toMatchObject({
      code: 7,
      document: { ok: true, committed: false, commit: null, deferred_reason: 'index_locked' },
    })
    expect(answered.said).toContain('index_locked')
    await expectDeferred(mission, 'index_locked')
    const beneath = await machine.run(project.root, ['emit', 'NoteTaken'])
    expect(beneath).toMatchObject({ code: 0, document: { durable: true } })
    expect(beneath.said).toContain('still deferred (index_locked)')
    expect(readFileSync(lock, 'utf8')).toBe('')
    rmSync(lock)
    const after = await machine.run(project.root, ['emit', 'NoteTaken'])
    expect(after.code).toBe(0)
    expect(after.said).toContain('a deferred commit is made')
    await expectHealed(mission)
  })
})

describe('a branch that is protected later', () => {
  it('defers the commit, and mission create makes it once the branch is free', async () => {
    machine.git(project.root, 'checkout', '-q', '-b', 'work')
    const args = ['mission', 'create', 'pier', '--topology', 'single_branch']
    const mission = (await machine.ok(project.root, args))['mission_slug'] as string
    const path = join(project.root, '.kittify', 'config.yaml')
    const before = readFileSync(path, 'utf8')
    writeFileSync(path, `${before}\nprotection:\n  protected_branches: [work]\n`)
    const answered = await decide(mission)
    expect(answered).toMatchObject({ code: 7, document: { deferred_reason: 'protected_branch' } })
    await expectDeferred(mission, 'protected_branch')
    writeFileSync(path, before)
    const next = await machine.run(project.root, ['mission', 'create', 'quay', '--target', 'work'])
    expect(next.code).toBe(0)
    expect(next.said).toContain('a deferred commit is made')
    await expectHealed(mission)
  })
})

async function decide(mission: string): Promise<Ended> {
  const at = ['--mission', mission]
  const asked = await machine.ok(project.root, [
    'decision',
    'request',
    ...at,
    '--question',
    'Which?',
  ])
  const id = asked['decision_id'] as string
  return machine.runHere(project.root, ['decision', 'answer', id, ...at, '--answer', 'This'])
}

/** The log holds the answer, no commit does, and the status says why. */
async function expectDeferred(mission: string, reason: string): Promise<void> {
  const status = await machine.runHere(project.root, ['sync', 'status', '--check'])
  expect(status.code).toBe(8)
  expect(status.document).toMatchObject({
    reason: 'commit_deferred',
    commits: { deferred: [{ mission, reason, message: expect.stringMatching(/\.$/) }] },
  })
}

async function expectHealed(mission: string): Promise<void> {
  const status = await machine.ok(project.root, ['sync', 'status'])
  expect(status['commits']).toMatchObject({ deferred: [] })
  const { decisions } = await machine.ok(project.root, ['decision', 'log', '--mission', mission])
  expect(decisions).toMatchObject([
    { answer: 'This', commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
  ])
}
