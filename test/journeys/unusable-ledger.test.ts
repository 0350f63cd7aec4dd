/** A ledger that can't be used holds its commits up, not the events; they follow as soon as it can be used again. */
import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRuntime } from '#dist/runtime.js'
import { emitNote, draftNote } from '../support/drafts.ts'
import { until } from '../support/program.ts'
import type { Document, Ended } from '../support/program.ts'
import { TestWorld } from '../support/test-machine.ts'
import type { TestMachine } from '../support/test-machine.ts'

/** What is waited for must not be the end of this. */
const NEVER_S = '3600'

describe.concurrent('a ledger that can not be used', () => {
  it('lets `sync now` deliver the events and say why commits stay', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const commit = await decide(machine, root)
    await machine.ok(root, emitNote('needs no git'))
    const repair = damageLedger(root)
    const first = await machine.run(root, ['sync', 'now', '--timeout', NEVER_S])
    expect(first).toMatchObject({
      code: 8,
      document: { delivered: 1, pending: 0, commits_acked: 0, reason: 'ledger_unavailable' },
    })
    expect(first.said).toContain('LOCK_UNUSABLE')
    expect(await hub.rows('event', uuid)).toHaveLength(1)
    expect(await hub.rows('commit', uuid)).toEqual([])

    repair()
    expect(await machine.runHere(root, ['sync', 'now'])).toMatchObject({
      code: 0,
      document: { delivered: 0, pending: 0, commits_acked: 1, reason: null },
    })
    expect(await hub.rows('commit', uuid)).toMatchObject([{ commit: { git_hash: commit } }])
  })

  it('lets the link go live with a warning, and the commits follow on the same link', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const commit = await decide(machine, root)
    const repair = damageLedger(root)
    await using runtime = await createRuntime({ root, stateDirectory: machine.state })
    const states: string[] = []
    const warnings: string[] = []
    runtime.on('link', ({ state }) => states.push(state))
    runtime.on('warning', ({ code }) => warnings.push(code))
    await runtime.emit(draftNote('needs no git'))
    await until('the event is at the hub', async () => {
      return (await hub.rows('event', uuid)).length === 1
    })
    expect(await hub.rows('commit', uuid)).toEqual([])
    expect(runtime.sync.link).toEqual({ state: 'live', reason: null, nextTryAt: null })
    expect(warnings).toEqual(['LEDGER_UNAVAILABLE'])

    repair()
    await until('the commit is at the hub', async () => {
      return (await hub.rows('commit', uuid)).length === 1
    })
    expect(await hub.rows('commit', uuid)).toMatchObject([{ commit: { git_hash: commit } }])
    expect(states.filter((state) => state === 'live')).toHaveLength(1)
    expect(states.at(-1)).toBe('live')
    expect(warnings).toHaveLength(1)
  })

  it('lets `sync run` hold the link although a deferred commit can not be tried', async () => {
    await using world = await TestWorld.make()
    const { machine, root } = world
    const { worktree } = await machine.ok(root, ['mission', 'create', 'harbour'])
    const { decision_id } = await ask(machine, root)
    const gitDir = machine.git(worktree as string, 'rev-parse', '--absolute-git-dir').trim()
    writeFileSync(join(gitDir, 'index.lock'), '')
    expect(await answer(machine, root, decision_id)).toMatchObject({ code: 7 })
    damageLedger(root)
    const link = await machine.link(root)
    await until('the link has warned', () => link.err.includes('LOCK_UNUSABLE'))
  })

  it('is not waited for by who delivers through the holder of the link', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    await decide(machine, root)
    const repair = damageLedger(root)
    const link = await machine.link(root)
    await machine.ok(root, emitNote('by the holder'))
    expect(await machine.runHere(root, ['sync', 'now', '--timeout', NEVER_S])).toMatchObject({
      code: 8,
      document: { pending: 0, commits_acked: 0, reason: 'ledger_unavailable' },
    })
    expect(await hub.rows('event', uuid)).toHaveLength(1)
    await until('the link has warned', () => link.err.includes('LOCK_UNUSABLE'))
    repair()
    expect(await machine.runHere(root, ['sync', 'now', '--timeout', NEVER_S])).toMatchObject({
      code: 0,
      document: { pending: 0, reason: null },
    })
    expect(await hub.rows('commit', uuid)).toHaveLength(1)
  })
})

/** Asks and answers one question; the hash of its commit. */
async function decide(machine: TestMachine, root: string): Promise<string> {
  await machine.ok(root, ['mission', 'create', 'harbour'])
  const { decision_id } = await ask(machine, root)
  const { code, document } = await answer(machine, root, decision_id)
  expect(code).toBe(0)
  return document['commit'] as string
}

function ask(machine: TestMachine, root: string): Promise<Document> {
  const question = ['--question', 'Which way?']
  return machine.ok(root, ['decision', 'request', '--mission', 'harbour', ...question])
}

function answer(machine: TestMachine, root: string, decision: unknown): Promise<Ended> {
  const words = ['--mission', 'harbour', '--answer', 'North']
  return machine.runHere(root, ['decision', 'answer', decision as string, ...words])
}

/** Puts a folder where the lock's file must be, which stops root too; answers what undoes it, in one step. */
function damageLedger(root: string): () => void {
  const lock = join(root, '.git', 'kittiwake', 'ledger.db')
  rmSync(lock)
  mkdirSync(lock)
  return () => rmdirSync(lock)
}
