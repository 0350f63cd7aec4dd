import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkGitVersion, checkNode } from '#dist/doctor/check-machine.js'
import { checkState } from '#dist/doctor/check-state.js'
import { repositoryKeyOf, unidentifiedOutboxPath } from '#dist/project/state-directory.js'
import { Outbox } from '#dist/workers/store/outbox.js'
import { bounded } from './support/bounded.ts'
import { runHere } from './support/run-here.ts'
import { transition } from './support/status-rows.ts'
import { MissionWorld } from '../scripts/mission-world.mjs'

type Check = { name: string; state: string; detail: string; hint: string | null }
type Report = { code: unknown; healthy: boolean; checks: Check[] }

const MISSIONS = join(import.meta.dirname, '../../shared/corpus/missions')

let world: MissionWorld

beforeAll(async () => {
  world = await MissionWorld.open()
  await world.run(['emit', 'NoteTaken', '--payload', '{}'])
  await world.run(world.answerArgs(await world.takeQuestion()))
}, 60_000)
afterAll(() => world.remove())

function doctor(cwd = world.root, env: NodeJS.ProcessEnv = {}): Report {
  const main = join(import.meta.dirname, '../dist/cli/main.js')
  const { status, stdout } = spawnSync(...bounded(process.execPath, main, 'doctor', '--json'), {
    cwd,
    env: { ...world.env, ...env },
    encoding: 'utf8',
  })
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Check[] }
  return { code: status, healthy, checks }
}

/** The report while `change` is made; `undo` takes it back. */
function doctorWith(change: () => void, undo: () => void): Report {
  change()
  try {
    return doctor()
  } finally {
    undo()
  }
}

/** Its last page, which only a look at every page finds. */
const damagedPage = (bytes: Buffer): Buffer => Buffer.from(bytes).fill(0x5a, bytes.length - 4096)

const badOf = ({ checks }: Report): string[] =>
  checks.filter(({ state }) => state === 'failed').map(({ name, detail }) => `${name}: ${detail}`)

/** Every file and link below a folder with size and time of change. */
function listing(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mtimeNs, ctimeNs, size, mode } = lstatSync(join(root, name), { bigint: true })
      const isFolder = lstatSync(join(root, name)).isDirectory()
      // SQLite makes the index of its log in the folder of a store, and takes it away.
      const times = isFolder && name.includes('state') ? '' : `${mtimeNs} ${ctimeNs}`
      return `${name} ${isFolder ? '' : size} ${mode} ${times}`
    })
    .sort()
}

describe('doctor', () => {
  it('finds nothing wrong where nothing is, and counts what there is', () => {
    const report = doctor()
    expect(badOf(report)).toEqual([])
    expect(report).toMatchObject({ code: 0, healthy: true })
    const detailByName = new Map(report.checks.map(({ name, detail }) => [name, detail]))
    expect(detailByName.get('ledgers')).toMatch(/^1 file, 21 lines, 20 decisions asked, 1 answered/)
    expect(detailByName.get('queue')).toBe('0 pending, 1 held, 0 delivered')
    expect(detailByName.get('outbox')).toBe('intact')
  })

  it('writes nothing, in the repository and in the state directory (L14)', () => {
    const before = listing(world.home)
    doctor()
    expect(listing(world.home)).toEqual(before)
  })

  it('works outside a repository, in a bare one and in a linked worktree', () => {
    const bare = join(world.home, 'bare.git')
    execFileSync('git', ['init', '-q', '--bare', bare])
    for (const cwd of [world.home, bare]) {
      const report = doctor(cwd)
      expect(report.code).toBe(0)
      expect(report.checks.at(-1)).toMatchObject({ name: 'repository', state: 'note' })
    }
    rmSync(bare, { recursive: true })
    expect(doctor(world.worktree).checks).toEqual(doctor().checks)
  })

  it('looks at everything though one thing is broken, and says what to do', () => {
    const config = join(world.root, '.kittify/config.yaml')
    const text = readFileSync(config)
    const report = doctorWith(
      () => writeFileSync(config, '<<<<<<< HEAD\nproject: {\n'),
      () => writeFileSync(config, text),
    )
    expect(report.code).toBe(1)
    expect(badOf(report)).toHaveLength(1)
    expect(badOf(report)[0]).toMatch(/^identity: /)
    expect(report.checks.map(({ name }) => name)).toContain('ledgers')
    expect(report.checks.filter(({ state, hint }) => state === 'failed' && !hint)).toEqual([])
  })

  it('says that nothing can be recorded, and which mission can not be written to', () => {
    const git = (...args: string[]) => execFileSync('git', ['-C', world.worktree, ...args])
    const branch = git('symbolic-ref', '--short', 'HEAD').toString().trim()
    git('switch', '-q', '-c', 'elsewhere')
    const report = doctor(world.root, { KITTIWAKE_HOME: join(world.root, '.kittify/config.yaml') })
    git('switch', '-q', branch)
    expect(badOf(report)).toContain('state: the state directory can not be written (ENOTDIR)')
    expect(badOf(report)).toContainEqual(
      expect.stringMatching(/^missions: \S+: the coordination worktree is on another branch/),
    )
    expect(badOf(doctor())).toEqual([])
  })

  it('finds a state directory without space, with too long a path, and one that moves with the caller', () => {
    const [full] = checkState('/proc/kittiwake')
    if (process.platform === 'linux') expect(full).toMatchObject({ state: 'failed' })
    const home = join(world.home, 'new')
    expect(checkState(home)).toEqual([])
    const long = join(home, ...Array.from({ length: 5 }, () => 'long'.repeat(25)))
    expect(checkState(long)).toMatchObject([
      { state: 'failed', detail: expect.stringContaining('too long') },
    ])
    const report = doctor(world.root, { KITTIWAKE_HOME: 'new' })
    expect(report.code).toBe(1)
    expect(badOf(report)).toEqual([
      'state: KITTIWAKE_HOME must be an absolute path (STATE_RELATIVE)',
    ])
    expect(report.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['identity', 'metadata', 'missions', 'ledgers']),
    )
  })

  it('names a damaged event, which SQLite finds whole', () => {
    const files = readdirSync(world.state, { recursive: true, encoding: 'utf8' })
    const path = join(world.state, files.find((file) => file.endsWith('outbox.db')) ?? '')
    const swap = (from: string, to: string): void => {
      const database = new Database(path)
      database.prepare('UPDATE event SET body = replace(body, ?, ?)').run(from, to)
      database.close()
    }
    const report = doctorWith(
      () => swap('NoteTaken', 'NoteTakee'),
      () => swap('NoteTakee', 'NoteTaken'),
    )
    expect(report.code).toBe(1)
    expect(badOf(report)).toEqual([expect.stringMatching(/^outbox: 1 event is damaged: projects/)])
    expect(report.checks.map(({ name }) => name)).toContain('queue')
  })

  it('names a damaged outbox', () => {
    const files = readdirSync(world.state, { recursive: true, encoding: 'utf8' })
    const name = files.find((file) => file.endsWith('outbox.db')) ?? ''
    const path = join(world.state, name)
    const bytes = readFileSync(path)
    const damaged = Buffer.from(bytes).fill(0x5a, 4096, 12_288)
    const report = doctorWith(
      () => writeFileSync(path, damaged),
      () => writeFileSync(path, bytes),
    )
    expect(report.code).toBe(1)
    expect(badOf(report)[0]).toMatch(/^outbox: /)
    expect(badOf(report)[0]).toContain(`${name} in the state directory`)
    expect(JSON.stringify(report)).not.toContain(world.home)
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  it.each([
    ['no database', Buffer.alloc(8_192, 7)],
    ['a database with a damaged page', null],
  ])('names the store of the time before `init`: %s', (_, content) => {
    const key = repositoryKeyOf(join(world.root, '.git'))
    const path = unidentifiedOutboxPath(world.state, key)
    const report = doctorWith(
      () => {
        Outbox.open({ path, owner: { kind: 'repository', key }, nodeId: '0123456789ab' }).close()
        writeFileSync(path, content ?? damagedPage(readFileSync(path)))
      },
      () => rmSync(dirname(path), { recursive: true }),
    )
    expect(report.code).toBe(1)
    expect(badOf(report)).toHaveLength(1)
    expect(badOf(report)[0]).toContain(`unidentified/${key}/outbox.db in the state directory`)
    expect(JSON.stringify(report)).not.toContain(world.home)
  })

  it('names bad lines, torn lines, links and contradictions in the ledgers', () => {
    const folder = join(world.worktree, 'kitty-specs', world.mission)
    const bad = join(folder, 'bad.events.jsonl')
    const link = join(folder, 'link.events.jsonl')
    const specs = join(world.worktree, 'kitty-specs', 'elsewhere')
    const report = doctorWith(
      () => {
        writeFileSync(bad, 'no\n{"event_id":"a"}\n{"event_id":')
        symlinkSync(bad, link)
        symlinkSync(folder, specs)
      },
      () => [bad, link, specs].forEach((path) => rmSync(path)),
    )
    expect(report.code).toBe(1)
    const bads = badOf(report)
    expect(bads).toHaveLength(3)
    expect(bads.join('\n')).toMatch(/elsewhere: a symbolic link is not followed/)
    expect(bads.join('\n')).toMatch(/bad\.events\.jsonl: 1 bad line, first 1: not valid JSON/)
    expect(bads.join('\n')).toMatch(/link\.events\.jsonl: not a file/)
    expect(report.checks.filter(({ detail }) => detail.includes('cut short'))).toHaveLength(1)
  })

  it('says in one note which moves are odd, as `status verify` finds them', () => {
    const folders = ['a', 'b'].map((name) => join(world.worktree, 'kitty-specs', name))
    const row = transition('WP01', 'planned', 'claimed', 1)
    const report = doctorWith(
      () => {
        for (const folder of folders) {
          mkdirSync(folder)
          writeFileSync(join(folder, 'status.events.jsonl'), `${JSON.stringify(row)}\n`)
        }
      },
      () => folders.forEach((path) => rmSync(path, { recursive: true })),
    )
    expect(report.code).toBe(0)
    const notes = report.checks.filter(({ name }) => name === 'moves').map(({ detail }) => detail)
    expect(notes).toHaveLength(1)
    expect(notes[0]).toMatch(
      /^2 odd moves in 2 status logs, first .*a.status.*line 1: chain break$/,
    )
  })

  it.runIf(process.platform !== 'win32')('names a folder that can not be read', () => {
    const folder = join(world.worktree, 'kitty-specs', world.mission)
    const report = doctorWith(
      () => chmodSync(folder, 0),
      () => chmodSync(folder, 0o755),
    )
    expect(badOf(report).join('\n')).toMatch(/can not be read \(EACCES\)/)
  })

  it('leaves to `status verify` a snapshot and a mission that can not be read', async () => {
    const verify = () => runHere({ cwd: world.root, env: world.env }, ['status', 'verify'])
    const snapshot = join(world.worktree, world.pathOf('status.json'))
    const meta = join(world.root, world.pathOf('meta.json'))
    const text = readFileSync(meta)
    mkdirSync(snapshot)
    expect((await verify()).document).toMatchObject({
      sound: false,
      missions: [{ snapshot: { state: 'unreadable' } }],
    })
    rmSync(snapshot, { recursive: true })
    const log = join(world.worktree, world.pathOf('status.events.jsonl'))
    mkdirSync(log)
    const board = (...args: string[]) =>
      runHere({ cwd: world.root, env: world.env }, ['status', ...args])
    expect(await board()).toMatchObject({
      code: 0,
      document: { missions: [], warnings: [{ code: 'MISSION_UNREADABLE' }] },
    })
    expect(await board('--mission', world.mission)).toMatchObject({ code: 1 })
    rmSync(log, { recursive: true })
    writeFileSync(meta, '[')
    expect(await verify()).toMatchObject({
      code: 1,
      document: { sound: false, missions: [{ error: 'MISSION_UNREADABLE' }] },
    })
    writeFileSync(meta, text)
    expect((await verify()).document).toMatchObject({ sound: true })
  })

  it('shows commits that are deferred, and answers that wait for one', () => {
    const path = join(world.root, '.git/kittiwake/deferred.json')
    const mark = (reason: string | null): string =>
      JSON.stringify({ [world.mission]: { reason, message: 'Why.', since: '2026-01-01' } })
    const remove = (): void => rmSync(path)
    const deferred = doctorWith(() => writeFileSync(path, mark('index_locked')), remove)
    expect(deferred.code).toBe(1)
    expect(badOf(deferred)).toEqual([`commit: ${world.mission}: index_locked`])
    const waiting = doctorWith(() => writeFileSync(path, mark(null)), remove)
    expect(waiting.code).toBe(0)
    expect(waiting.checks.some(({ detail }) => detail.includes('waits for its commit'))).toBe(true)
  })

  it('shows a meaning that a crash kept from its file, and a note of one that is damaged', () => {
    const path = join(world.root, '.git/kittiwake/glossary.json')
    const glossaryOf = (text: string): unknown => {
      const report = doctorWith(
        () => writeFileSync(path, text),
        () => rmSync(path),
      )
      expect(report.code).toBe(0)
      return report.checks.filter(({ name }) => name === 'glossary').map(({ detail }) => detail)
    }
    const mark = JSON.stringify({ mission: world.mission, event_ids: [] })
    expect(glossaryOf(mark)).toEqual([expect.stringContaining(`${world.mission}: a meaning is in`)])
    expect(glossaryOf('{"mission":')).toEqual([expect.stringContaining('can not be read')])
    expect(doctor().checks.filter(({ name }) => name === 'glossary')).toEqual([])
  })

  it('names an old Node, and an old git', () => {
    expect(checkNode('20.18.3')).toMatchObject({ state: 'failed' })
    expect(checkNode('20.19.0')).toMatchObject({ state: 'ok' })
    expect(checkNode('22.0.0')).toMatchObject({ state: 'ok' })
    expect(checkGitVersion('2.30.9')).toMatchObject({
      state: 'failed',
      hint: expect.stringContaining('2.31'),
    })
    expect(checkGitVersion('2.31.0.windows.1')).toMatchObject({ state: 'ok' })
    expect(checkGitVersion('2.39.5')).toMatchObject({ state: 'ok' })
    expect(checkGitVersion('3.0.0')).toMatchObject({ state: 'ok' })
  })

  it('finds a clone that lacks the merge driver which its attributes name', () => {
    const attributes = join(world.root, '.gitattributes')
    const report = doctorWith(
      () => writeFileSync(attributes, '*.events.jsonl merge=spec-kitty-event-log\n'),
      () => rmSync(attributes),
    )
    expect(badOf(report)).toEqual([expect.stringContaining('merging: this clone lacks')])
    expect(report.checks.find(({ name }) => name === 'merging')?.hint).toContain('hooks install')
  })

  it('finds no fault in the corpus of real missions', (context) => {
    if (!existsSync(MISSIONS) && process.env['REQUIRE_SHARED'] !== '1') {
      console.log('skipped: no corpus beside the project')
      context.skip()
    }
    const specs = join(world.root, 'kitty-specs')
    const aside = join(world.home, 'aside')
    renameSync(specs, aside)
    const report = doctorWith(
      () => {
        mkdirSync(specs)
        cpSync(MISSIONS, specs, { recursive: true })
        execFileSync('chmod', ['-R', 'u+w', specs])
      },
      () => {
        rmSync(specs, { recursive: true })
        renameSync(aside, specs)
      },
    )
    expect(badOf(report)).toEqual([])
    expect(report.code).toBe(0)
    const ledgers = report.checks.find(({ name }) => name === 'ledgers')
    expect(ledgers?.detail).toMatch(/^108 files, [5-9]\d{3} lines/)
  })
})
