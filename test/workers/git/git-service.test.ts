import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ulid } from 'ulid'
import { expect, it, vi } from 'vitest'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { ensureIdentity } from '#dist/project/identity.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { readLogin, writeLogin } from '#dist/project/login/login.js'
import { createMission } from '#dist/project/missions/mission-create.js'
import { openGitService } from '#dist/workers/git/git-service.js'
import type { GitCommand } from '#dist/workers/git/protocol.js'
import { GitRepository } from '../../support/git-repository.ts'
import { PausedGit } from '../../support/paused-git.ts'
import { answeredRecord, requestedRecord } from '../../support/ledger-repository.ts'

it('commits to no branch at all while the list of protected ones can not be read', async () => {
  const git = GitRepository.withCommit(['-b', 'dev'])
  const repository = await locateRepository(git.root)
  const created = await createMission(repository, { slug: 'a', topology: 'single_branch' })
  const service = await openGitService(
    { repository, literals: NO_IDENTITY, state: repository.root },
    () => undefined,
  )
  const mission = created.directory
  const request = requestedRecord(created.mission_id, '01J00000000000000000000000')
  const answer = answeredRecord(created.mission_id, request.payload.decision_id)
  const config = join(git.root, '.kittify', 'config.yaml')
  mkdirSync(join(git.root, '.kittify'), { recursive: true })
  writeFileSync(config, 'protection: {protected_branches: dev}\n')
  const [, , committed] = service.handle([
    { type: 'git.request', mission, record: request },
    { type: 'git.answer', mission, record: answer },
    { type: 'git.commit', ledger: 'decisions', mission },
  ])
  expect(await committed).toMatchObject({
    type: 'git.deferred',
    deferral: { reason: 'protected_branch' },
  })
  writeFileSync(config, 'protection: {protected_branches: [main]}\n')
  const [healed] = service.handle([{ type: 'git.heal' }])
  expect(await healed).toMatchObject({ committed: [git.git('rev-parse', 'dev').trim()] })
  await service.close()
  git.remove()
})

it('reports what it found damaged before it answers, with no path of this machine', async () => {
  const git = GitRepository.withCommit(['-b', 'main'])
  const repository = await locateRepository(git.root)
  await ensureIdentity(repository, { node_id: '0123456789ab' })
  const { worktree } = await createMission(repository, { slug: 'a', topology: 'coord' })
  const told: unknown[] = []
  const service = await openGitService(
    { repository, literals: NO_IDENTITY, state: repository.root },
    (fact) => told.push(fact),
  )
  await service.handle([{ type: 'git.frames' }])[0]
  git.write('kitty-specs/README.md', 'text\n', worktree)
  git.gitIn(worktree, 'add', '.')
  git.gitIn(worktree, 'commit', '-qm', 'Words')
  writeFileSync(join(git.root, '.kittify', 'sync-state.json'), 'nonsense')
  const [framed] = service.handle([{ type: 'git.frames' }])
  expect(await framed).toMatchObject({ type: 'git.framed', frames: [{ type: 'LocalCommit' }] })
  expect(told).toEqual([
    { type: 'git.warned', code: 'SYNC_STATE_REBUILT', message: expect.any(String) },
  ])
  expect(JSON.stringify(told)).not.toContain(git.root)
  await service.handle([{ type: 'git.frames' }])[0]
  expect(told).toHaveLength(1)
  await service.close()
  git.remove()
})

it('reports while it watches that a branch was moved by another program, once', async () => {
  const git = GitRepository.withCommit(['-b', 'main'])
  const repository = await locateRepository(git.root)
  await ensureIdentity(repository, { node_id: '0123456789ab' })
  const { worktree } = await createMission(repository, { slug: 'a', topology: 'coord' })
  const told: unknown[] = []
  const service = await openGitService(
    { repository, literals: NO_IDENTITY, state: repository.root },
    (fact) => told.push(fact),
  )
  await service.handle([{ type: 'git.frames' }])[0]
  await service.handle([{ type: 'git.watch' }])[0]
  const tip = git.git('rev-parse', 'main').trim()
  git.git('branch', 'not-a-mission')
  git.gitIn(worktree, 'commit', '-q', '--allow-empty', '-m', 'Native')
  await vi.waitFor(() => expect(told).toEqual([{ type: 'git.changed' }]), { timeout: 10_000 })
  git.gitIn(worktree, 'reset', '-q', '--hard', tip)
  await vi.waitFor(() => expect(told).toHaveLength(2), { timeout: 10_000 })
  await service.close()
  git.remove()
})

it('lets no frame be confirmed by a hub that is not that of the login (L11)', async () => {
  const git = GitRepository.withCommit(['-b', 'main'])
  const repository = await locateRepository(git.root)
  const state = join(repository.commonDir, 'state')
  const input = { repository, literals: NO_IDENTITY, state }
  const service = await openGitService(input, () => undefined)
  const ask = async (command: GitCommand) => service.handle([command])[0]
  writeLogin(state, { hub: 'http://127.0.0.1:9', token: 'a-token-of-length', team_slug: 'acme' })
  const reading = readLogin(state)
  const login = reading.state === 'present' ? reading.login.id : ''
  await ask({ type: 'git.target', login: 'another', epoch: null })
  expect(await ask({ type: 'git.frames' })).toMatchObject({
    type: 'git.refused',
    error: { code: 'LOGIN_CHANGED', retryable: true },
  })
  await ask({ type: 'git.target', login, epoch: null })
  expect(await ask({ type: 'git.frames' })).toEqual({ type: 'git.framed', frames: [] })
  await service.close()
  git.remove()
})

it.each([
  'while it lives',
  'before it answers the next command',
  'before it ends',
  'by whoever watches once it has ended',
])('puts its entries back that a native command takes out of the index, %s (L13)', async (when) => {
  const git = GitRepository.withCommit(['-b', 'dev'])
  const repository = await locateRepository(git.root)
  const created = await createMission(repository, { slug: 'a', topology: 'single_branch' })
  const input = { repository, literals: NO_IDENTITY, state: repository.root }
  const service = await openGitService(input, () => undefined)
  const watching = await openGitService(input, () => undefined)
  const mission = created.directory
  const decide = async (): Promise<unknown> => {
    const record = requestedRecord(created.mission_id, ulid())
    const answer = answeredRecord(created.mission_id, record.payload.decision_id)
    const [, , committed] = service.handle([
      { type: 'git.request', mission, record },
      { type: 'git.answer', mission, record: answer },
      { type: 'git.commit', ledger: 'decisions', mission },
    ])
    return committed
  }
  await decide()
  git.write('src/file-0.txt', 'staged')
  git.git('add', 'src/file-0.txt')
  const native = await PausedGit.start(git.root, 'commit', '-qm', 'Users')
  // Commands may come in a row, so that no timer has its turn.
  if (when.includes('next command')) vi.useFakeTimers({ toFake: ['setTimeout'] })
  expect(await decide()).toMatchObject({ type: 'git.committed' })
  if (when.includes('watches')) {
    await service.close()
    await watching.handle([{ type: 'git.watch' }])[0]
  }
  await native.finish()
  if (when === 'before it ends') await service.close()
  const log = `kitty-specs/${mission}/decisions.events.jsonl`
  if (when.includes('next command')) {
    await service.handle([{ type: 'git.locate', mission, event_id: ulid() }])[0]
    expect(git.git('diff', '--cached', '--name-only', '--', log)).toBe('')
    vi.useRealTimers()
  }
  await vi.waitFor(() => expect(git.git('diff', '--cached', '--name-only', '--', log)).toBe(''))
  await service.close()
  await watching.close()
  expect(git.git('diff', '--cached', '--name-only').trim()).toBe('src/file-0.txt')
  git.remove()
})
