/** Which confirmed commits the hub is told that a remote has. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Ledger } from '#dist/workers/git/ledgers/ledger.js'
import { remoteVersion } from '#dist/workers/git/refs/remote-refs.js'
import { IDENTITY, LedgerRepository } from '../../support/ledger-repository.ts'

const HUB = { origin: 'https://hub.example', team: 'acme', epoch: 'first' }

let repository: LedgerRepository
let remote: string
let ledger: Ledger
let mission: string

beforeEach(() => {
  repository = new LedgerRepository()
  remote = mkdtempSync(join(tmpdir(), 'kittiwake-remote-'))
  repository.git.git('init', '-q', '--bare', remote)
  repository.git.git('remote', 'add', 'origin', remote)
  mission = repository.createMission('harbour')
  ledger = opened()
})

afterEach(() => {
  repository.remove()
  rmSync(remote, { recursive: true, force: true })
})

function opened(epoch = 'first'): Ledger {
  const made = repository.ledger()
  made.confirmBy({ ...HUB, epoch }, ['pushed_commits'])
  return made
}

const push = () => repository.git.git('push', '-q', 'origin', repository.branch(mission))

async function confirmed(): Promise<string> {
  const commit = await repository.decide(ledger, mission)
  await ledger.confirm([commit])
  return commit
}

describe('a commit', () => {
  it('is told of once a push has brought it to a remote, and once (L11)', async () => {
    const commit = await confirmed()
    expect(await ledger.offer()).toEqual([])
    const before = remoteVersion(repository.commonDir)
    push()
    expect(remoteVersion(repository.commonDir)).not.toBe(before)
    const [frame, ...others] = await ledger.offer()
    expect(others).toEqual([])
    expect(frame).toMatchObject({
      type: 'CommitsPushed',
      project_uuid: IDENTITY.uuid,
      git_hashes: [commit],
    })
    if (frame?.type !== 'CommitsPushed') throw new Error('no frame')
    // Until the hub has said so, and not by another's word.
    await ledger.confirm(['f'.repeat(64)])
    expect(await ledger.offer()).toEqual([frame])
    await ledger.confirm([frame.pushed_id])
    expect(await ledger.offer()).toEqual([])
    ledger = opened()
    expect(await ledger.offer()).toEqual([])
    ledger = opened('second')
    await ledger.confirm([commit])
    expect(await ledger.offer()).toEqual([frame])
  })

  it('that the hub has not confirmed, or that came behind the push, is not', async () => {
    const pushed = await confirmed()
    push()
    const later = await confirmed()
    expect(await ledger.offer()).toMatchObject([{ git_hashes: [pushed] }])
    push()
    expect(await ledger.offer()).toMatchObject([{ git_hashes: [pushed, later] }])
  })

  it('is told of after a fetch, too, and where refs are packed', async () => {
    const commit = await confirmed()
    const branch = repository.branch(mission)
    repository.git.git('push', '-q', remote, branch)
    expect(await ledger.offer()).toEqual([])
    repository.git.git('fetch', '-q', 'origin')
    repository.git.git('pack-refs', '--all')
    expect(await ledger.offer()).toMatchObject([{ git_hashes: [commit] }])
  })

  it('is told to no hub that does not ask, and what was refused not again on this link', async () => {
    await confirmed()
    push()
    const [frame] = await ledger.offer()
    if (frame?.type !== 'CommitsPushed') throw new Error('no frame')
    expect(await ledger.offer([frame.pushed_id])).toEqual([])
    ledger.confirmBy(HUB, [])
    expect(await ledger.offer()).toEqual([])
  })
})
