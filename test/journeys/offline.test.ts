/** Decisions taken without a network: in git at once, at the hub once there is one, in any clone for ever. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesOf } from '../support/files-of.ts'
import { run } from '../support/program.ts'
import type { Document, Ended } from '../support/program.ts'
import { filesWith, TestHub, TestMachine } from '../support/test-machine.ts'
import type { HubRow, Project } from '../support/test-machine.ts'

const QUESTIONS = ['Where?', 'Who?', 'How long?', 'Which clock?', 'What leaves?', 'What stays?']
const FRAME_KEYS = [
  'build_id',
  'changed_files',
  'committed_at',
  'git_hash',
  'mission_id',
  'project_uuid',
  'type',
]

type SyncState = {
  readonly last_saas_confirmed_hash: string | null
  readonly pending_local_commits: readonly Readonly<Record<string, unknown>>[]
}
type Answered = { readonly decision_id: string; readonly commit: string }

const machine = new TestMachine()
afterAll(() => machine.close())

let hub: TestHub
let project: Project
let mission: Document
const answered: Answered[] = []
let offline: { readonly queue: Document; readonly frames: SyncState; readonly leaked: string[] }
let online: { readonly report: Document; readonly frames: SyncState; readonly rows: HubRow[] }

beforeAll(async () => {
  project = await machine.project('seabird')
  mission = await machine.ok(project.root, ['mission', 'create', 'harbour'])
  await machine.ok(project.root, ['sync', 'opt-in'])
  // Asked at once by six processes; answered one after the other, which gives the order.
  const asked = await Promise.all(QUESTIONS.map((question) => ask(project.root, question)))
  for (const [at, id] of asked.entries()) {
    answered.push(await decide(id, `${QUESTIONS[at] ?? ''} So.`))
  }
  offline = {
    queue: await machine.ok(project.root, ['queue', 'list']),
    frames: readFrames(),
    leaked: filesWith(machine.state, 'Which clock?'),
  }
  hub = await new TestHub(machine).start()
  await hub.login(project.root)
  const report = await machine.ok(project.root, ['sync', 'now'])
  online = { report, frames: readFrames(), rows: await hub.rows('commit', project.uuid) }
})

describe('six decisions answered offline', () => {
  it('are six commits on the coordination branch, in order, of the log alone (L13)', () => {
    const range = `main..${mission['branch'] as string}`
    const log = `kitty-specs/${mission['mission_slug'] as string}/decisions.events.jsonl`
    expect(git('rev-list', '--reverse', range)).toEqual(hashes())
    expect([...new Set(git('log', '--format=', '--name-only', range))]).toEqual([log])
    expect(git('status', '--porcelain')).toEqual(['?? .kittify/', '?? kitty-specs/'])
    expect(git('-C', mission['worktree'] as string, 'status', '--porcelain')).toEqual([])
    expect(git('fsck', '--strict', '--no-dangling')).toEqual([])
  })

  it('wait as six frames, in order, none confirmed', () => {
    expect(offline.frames.last_saas_confirmed_hash).toBeNull()
    expect(offline.frames.pending_local_commits.map(({ git_hash }) => git_hash)).toEqual(hashes())
    for (const frame of offline.frames.pending_local_commits) {
      expect(Object.keys(frame).sort()).toEqual(FRAME_KEYS)
      expect(frame).toMatchObject({ type: 'LocalCommit', project_uuid: project.uuid })
    }
  })

  it('leave no row in the queue and no byte in the state directory', () => {
    expect(offline.queue['events']).toEqual([])
    expect(offline.leaked).toEqual([])
    expect(filesWith(project.root, 'Which clock?')).not.toEqual([])
  })
})

describe('the first sync after it', () => {
  it('gets six acknowledgements and leaves nothing pending', () => {
    expect(online.report).toEqual({
      ok: true,
      delivered: 0,
      pending: 0,
      commits_acked: 6,
      reason: null,
    })
    expect(online.frames).toMatchObject({
      last_saas_confirmed_hash: hashes().at(-1),
      pending_local_commits: [],
    })
  })

  it('puts each commit into the hub once, in order (L3)', () => {
    const commits = online.rows.map(({ commit }) => commit)
    expect(commits).toEqual(offline.frames.pending_local_commits)
  })
})

describe.concurrent('a clone elsewhere', () => {
  it.each([
    ['with the target branch checked out', ['clone', '-q']],
    ['without a worktree', ['clone', '-q', '--bare']],
    ['as a mirror', ['clone', '-q', '--mirror']],
    ['without a checkout', ['clone', '-q', '--no-checkout']],
  ])('%s shows the whole history, from git alone (L13)', async (_, clone) => {
    const folder = join(machine.folder, `clone${clone.at(-1)}`)
    machine.git(machine.folder, ...clone, project.root, folder)
    await expectHistory(folder)
  })

  it('with remote-tracking refs only, and all of them packed, shows it too', async () => {
    const folder = join(machine.folder, 'fetched')
    machine.git(machine.folder, 'init', '-q', folder)
    machine.git(folder, 'remote', 'add', 'upstream', project.root)
    machine.git(folder, 'fetch', '-q', 'upstream')
    machine.git(folder, 'pack-refs', '--all', '--prune')
    machine.git(folder, 'gc', '-q')
    await expectHistory(folder)
    await expectHistory(folder, ['--ref', `upstream/${mission['branch'] as string}`])
  })

  it('that is shallow shows every decision, and says which commits it has not got', async () => {
    const folder = join(machine.folder, 'shallow')
    const source = `file://${project.root}`
    machine.git(machine.folder, 'clone', '-q', '--depth=1', '--no-single-branch', source, folder)
    await expectHistory(folder, [], () => null)
  })
})

describe.concurrent('an answer whose commit has to wait', () => {
  it('exits with 7, stands in the status with its reason, and is committed by the next command', async () => {
    const { root } = await machine.project('gannet')
    const { mission_slug, worktree } = await machine.ok(root, ['mission', 'create', 'harbour'])
    const [gitDir = ''] = git('-C', worktree as string, 'rev-parse', '--absolute-git-dir')
    writeFileSync(join(gitDir, 'index.lock'), '')
    const { code, document } = await answer(root, await ask(root, 'Now?'), 'Later.')
    expect(code).toBe(7)
    expect(document).toMatchObject({ ok: true, committed: false, commit: null })
    const reason = document['deferred_reason']
    expect(reason).toBe('index_locked')
    const status = await machine.runHere(root, ['sync', 'status', '--check'])
    expect(status).toMatchObject({ code: 8, document: { reason: 'commit_deferred' } })
    expect(status.document['commits']).toMatchObject({
      deferred: [{ mission: mission_slug, reason }],
    })

    rmSync(join(gitDir, 'index.lock'))
    await ask(root, 'And now?')
    const after = await machine.ok(root, ['sync', 'status'])
    expect(after['commits']).toMatchObject({ deferred: [] })
    const inGit = await machine.ok(root, ['decision', 'log', '--mission', 'harbour'])
    expect(inGit['decisions']).toContainEqual(
      expect.objectContaining({ question: 'Now?', answer: 'Later.', commit: expect.any(String) }),
    )
  })
})

describe('a commit of one’s own, with no decision ever', () => {
  it('shows in the status, and is at the hub after the next sync', async () => {
    const { root, uuid } = await machine.project('tern')
    const { mission_slug, mission_id, worktree } = await machine.ok(root, [
      'mission',
      'create',
      'harbour',
    ])
    await machine.ok(root, ['sync', 'opt-in'])
    const [folder, spec] = [worktree as string, `kitty-specs/${mission_slug as string}/spec.md`]
    mkdirSync(join(folder, dirname(spec)), { recursive: true })
    writeFileSync(join(folder, spec), '# Harbour\n')
    machine.git(folder, 'add', spec)
    machine.git(folder, 'commit', '-q', '-m', 'Specify the harbour')
    const git_hash = machine.git(folder, 'rev-parse', 'HEAD').trim()
    const before = filesOf(root)
    const status = await machine.runHere(root, ['sync', 'status', '--check'])
    expect(status).toMatchObject({
      code: 8,
      document: { commits: { pending: [git_hash], last_confirmed: null } },
    })
    expect(filesOf(root)).toEqual(before)

    expect(await machine.ok(root, ['sync', 'now'])).toMatchObject({
      commits_acked: 1,
      reason: null,
    })
    const rows = await hub.rows('commit', uuid)
    expect(rows.map(({ commit }) => commit)).toMatchObject([
      { git_hash, mission_id, project_uuid: uuid, changed_files: [spec] },
    ])
    expect((await machine.ok(root, ['sync', 'status', '--check']))['commits']).toMatchObject({
      pending: [],
      last_confirmed: git_hash,
    })
  })
})

async function decide(id: string, text: string): Promise<Answered> {
  const { code, document } = await answer(project.root, id, text)
  expect(code).toBe(0)
  return document as Document & Answered
}

async function ask(root: string, question: string): Promise<string> {
  const options = ['--option', 'So', '--option', 'Otherwise']
  const request = ['decision', 'request', '--mission', 'harbour', '--question', question]
  return (await machine.ok(root, [...request, ...options]))['decision_id'] as string
}

function answer(root: string, decision: string, text: string): Promise<Ended> {
  const mission = ['--mission', 'harbour']
  return machine.runHere(root, ['decision', 'answer', decision, ...mission, '--answer', text])
}

/** All six, whoever asked first: they were asked at once. */
async function expectHistory(
  folder: string,
  flags: readonly string[] = [],
  commitOf = (at: number): unknown => answered[at]?.commit,
): Promise<void> {
  const home = join(machine.folder, 'nobody')
  const env = { ...machine.env, HOME: home, KITTIWAKE_HOME: join(home, 'state') }
  const args = ['decision', 'log', '--mission', 'harbour', ...flags]
  const { code, document } = await run({ cwd: folder, env }, args)
  expect(code).toBe(0)
  const decisions = document['decisions'] as readonly { readonly question: string }[]
  const placeOf = ({ question }: { readonly question: string }) => QUESTIONS.indexOf(question)
  expect([...decisions].sort((a, b) => placeOf(a) - placeOf(b))).toEqual(
    QUESTIONS.map((question, at) => ({
      decision_id: answered[at]?.decision_id,
      question,
      options: ['So', 'Otherwise'],
      answer: `${question} So.`,
      requested_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      answered_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      commit: commitOf(at),
    })),
  )
  expect(existsSync(home)).toBe(false)
  expect(existsSync(join(folder, '.kittify'))).toBe(false)
}

function readFrames(): SyncState {
  return JSON.parse(
    readFileSync(join(project.root, '.kittify/sync-state.json'), 'utf8'),
  ) as SyncState
}

function git(...args: string[]): string[] {
  return machine
    .git(project.root, ...args)
    .split('\n')
    .filter((line) => line !== '')
}

function hashes(): string[] {
  return answered.map(({ commit }) => commit)
}
