/** A repository of SHA-256 ids, from its first command to the hub: all that other repositories can do. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ulid } from 'ulid'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../support/program.ts'
import { TestHub, TestMachine } from '../support/test-machine.ts'

const OID = /^[0-9a-f]{64}$/
const machine = new TestMachine(['--object-format=sha256'])
const hub = new TestHub(machine)
afterAll(() => machine.close())

let root = ''
let uuid = ''
let mission = ''
let worktree = ''
const commits: string[] = []

beforeAll(async () => {
  const [project] = await Promise.all([machine.project('seabird'), hub.start()])
  ;({ root, uuid } = project)
  await hub.login(root)
  const made = await machine.ok(root, ['mission', 'create', 'harbour'])
  mission = made['mission_slug'] as string
  worktree = made['worktree'] as string
})

const at = (): string[] => ['--mission', mission]
const tip = (): string => machine.git(worktree, 'rev-parse', 'HEAD').trim()

it('commits answers, moves and paths beside what the user has staged', async () => {
  writeFileSync(join(worktree, 'staged.txt'), 'staged\n')
  machine.git(worktree, 'add', 'staged.txt')
  const asked = await machine.ok(root, ['decision', 'request', ...at(), '--question', 'Which?'])
  const id = asked['decision_id'] as string
  const answered = await machine.ok(root, ['decision', 'answer', id, ...at(), '--answer', 'This'])
  expect(answered).toMatchObject({ committed: true, commit: expect.stringMatching(OID) })
  await machine.ok(root, ['wp', 'create', 'WP01', ...at()])
  commits.push(answered['commit'] as string, tip())
  await machine.ok(root, ['wp', 'move', 'WP01', 'claimed', ...at()])
  commits.push(tip())
  const plan = join(worktree, 'kitty-specs', mission, 'plan.md')
  mkdirSync(dirname(plan), { recursive: true })
  writeFileSync(plan, 'A plan\n')
  const ours = `kitty-specs/${mission}/plan.md`
  const sent = await machine.ok(worktree, ['commit', ...at(), '-m', 'Plan', ours])
  expect(sent).toMatchObject({ sha: tip(), changed_files: [ours] })
  commits.push(tip())
  expect(machine.git(worktree, 'status', '--porcelain')).toBe('A  staged.txt\n')
  const listed = machine.git(root, 'rev-list', '--reverse', `main..${tip()}`).trim().split('\n')
  expect(listed).toEqual(commits)
})

it('reads them back in any clone, from objects alone', async () => {
  const clone = join(machine.folder, 'clone')
  machine.git(machine.folder, 'clone', '-q', root, clone)
  const { decisions } = await machine.ok(clone, ['decision', 'log', ...at()])
  expect(decisions).toMatchObject([{ answer: 'This', commit: commits[0] }])
  const { work_packages } = await machine.ok(root, ['wp', 'list', ...at()])
  expect(work_packages).toMatchObject([{ wp_id: 'WP01', lane: 'claimed' }])
  expect(await machine.ok(root, ['status', 'verify', ...at()])).toMatchObject({ ok: true })
})

it('notes native commits by its hooks, and merges logs', async () => {
  await machine.ok(root, ['hooks', 'install'])
  writeFileSync(join(worktree, 'kitty-specs', mission, 'notes.md'), 'By hand\n')
  machine.git(worktree, 'add', 'kitty-specs')
  machine.git(worktree, 'commit', '-qm', 'By hand')
  commits.push(tip())
  const state = join(root, '.kittify/sync-state.json')
  await until('the hook has noted it', () => readFileSync(state, 'utf8').includes(tip()))
  copyFileSync(join(root, '.gitattributes'), join(worktree, '.gitattributes'))
  const side = join(machine.folder, 'side')
  machine.git(root, 'worktree', 'add', '-q', '-b', 'side', side, tip())
  const asked = [side, worktree].map((folder) => askByHand(folder))
  machine.git(worktree, 'merge', '-q', '--no-edit', 'side')
  commits.push(machine.git(worktree, 'rev-parse', 'HEAD^1').trim(), tip())
  const log = readFileSync(join(worktree, 'kitty-specs', mission, LOG), 'utf8')
  expect(asked.filter((id) => log.includes(id))).toEqual(asked)
})

const LOG = 'decisions.events.jsonl'

/** One more question at the end of the log, committed by native git. */
function askByHand(folder: string): string {
  const path = join(folder, 'kitty-specs', mission, LOG)
  const log = readFileSync(path, 'utf8')
  const record = JSON.parse(log.split('\n')[0] ?? '') as {
    event_id: string
    payload: { decision_id: string }
  }
  const [eventId, decisionId] = [ulid(), ulid()]
  const line = (log.split('\n')[0] ?? '')
    .replace(record.event_id, eventId)
    .replace(record.payload.decision_id, decisionId)
  writeFileSync(path, `${log}${line}\n`)
  machine.git(folder, 'commit', '-qm', 'Ask by hand', '--', path)
  return eventId
}

it('announces each commit to the hub by its whole id', async () => {
  await machine.ok(root, ['sync', 'now'])
  const rows = await hub.rows('commit', uuid)
  const hashes = rows.map(({ commit }) => commit['git_hash'])
  expect(hashes).toEqual(expect.arrayContaining(commits))
  expect(hashes.every((hash) => OID.test(String(hash)))).toBe(true)
  expect(await machine.ok(root, ['sync', 'status', '--check'])).toMatchObject({ ok: true })
})

it('is in order, for the doctor and for git', async () => {
  const { checks } = await machine.ok(root, ['doctor'])
  expect(JSON.stringify(checks)).not.toContain('"failed"')
  expect(machine.git(root, 'fsck', '--strict', '--no-dangling')).toBe('')
})
