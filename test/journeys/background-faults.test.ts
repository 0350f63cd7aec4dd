/** What may happen to a background process: no second one, no second sender, and nobody is killed on the word of a file. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { makePlaces } from '#dist/background/places.js'
import { type OwnerRecord, writeOwner } from '#dist/background/owner-record.js'
import { outboxPath } from '#dist/project/state-directory.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import { SenderLease } from '#dist/workers/store/sender-lease.js'
import { BackgroundWorld, SendingWorld } from '../support/background-world.ts'
import { emitNote, noteLines } from '../support/drafts.ts'
import { run, until } from '../support/program.ts'

const PACKAGE = join(import.meta.dirname, '../..')
const NEWER = '9.0.0'
const STOP_MS = 3_000
const FULL = 600

describe.concurrent('one background process', () => {
  it('is left of twenty that are started at once', async () => {
    await using place = BackgroundWorld.bare()
    const { machine, root } = place
    const racers = Array.from({ length: 20 }, () => machine.start(root, ['sync', 'run', '--all']))
    const isSettled = () => racers.filter((one) => one.isUp).length === 1
    await until('all but one are gone', isSettled, 120_000)
    const left = racers.find((one) => one.isUp)
    expect(await place.status()).toMatchObject({ state: 'running', pid: left?.child.pid })
    const others = await Promise.all(racers.filter((one) => one !== left).map((one) => one.ended))
    expect(new Set(others)).toEqual(new Set([0]))
    expect(left?.isUp).toBe(true)
  })

  it('is the newer of two versions, whose death is waited for, and stays it', async () => {
    await using place = await SendingWorld.make()
    const { machine, root, uuid, hub } = place
    const older = await place.start()
    const newer = programOf(NEWER, join(machine.folder, 'newer'))
    const upgraded = await newer(root, machine.env, 'sync', 'start')
    expect(upgraded).toMatchObject({ state: 'running', started: true, version: NEWER })
    expect(upgraded['pid']).not.toBe(older)
    // The older command finds it good enough.
    expect(await place.run('sync', 'start')).toMatchObject({ document: { started: false } })
    await place.allowing(() => machine.ok(root, emitNote('from the older')))
    await vi.waitFor(async () => expect(await hub.rows('event', uuid)).toHaveLength(1), {
      timeout: 30_000,
    })
    expect(await place.status()).toMatchObject({ version: NEWER, pid: upgraded['pid'] })
  })
})

describe.concurrent('a record of one that died', () => {
  it('whose pid is somebody else by now is not believed, and nobody is killed', async () => {
    await using place = BackgroundWorld.bare()
    using bystander = new Bystander()
    makePlaces(place.places)
    writeOwner(place.places.owner, recordOf(bystander.pid))
    expect(await place.status()).toMatchObject({ state: 'not_running', pid: null })
    expect((await place.run('sync', 'stop')).document).toMatchObject({ stopped: false })
    expect(await place.start()).not.toBe(bystander.pid)
    expect(bystander.isUp).toBe(true)
  })

  it('kills nobody either where another holds the lock', async () => {
    await using place = BackgroundWorld.bare()
    using bystander = new Bystander()
    makePlaces(place.places)
    writeOwner(place.places.owner, recordOf(bystander.pid))
    using holder = new Bystander('lease-holder.mjs', place.places.lock)
    await once(holder.child.stdout as NodeJS.ReadableStream, 'data')
    expect(await place.status()).toMatchObject({ state: 'unresponsive', reason: 'no_answer' })
    const unresponsive = { code: 1, document: { error: { code: 'BACKGROUND_UNRESPONSIVE' } } }
    expect(await place.run('sync', 'stop')).toMatchObject(unresponsive)
    expect(await place.run('sync', 'start')).toMatchObject(unresponsive)
    writeFileSync(place.places.owner, '{"pid":')
    expect(await place.status()).toMatchObject({ reason: 'record_unreadable', pid: null })
    expect([bystander.isUp, holder.isUp]).toEqual([true, true])
  })
})

describe.concurrent('a background process that', () => {
  it('answers with the nonce of its record and does not end is killed; with another it is not', async () => {
    await using place = BackgroundWorld.bare()
    const { state } = place.machine
    for (const [nonce, outcome] of [
      ['a stranger', { code: 1, document: { error: { code: 'BACKGROUND_UNRESPONSIVE' } } }],
      ['', { code: 0, document: { stopped: true } }],
    ] as const) {
      using holder = new Bystander('stubborn-owner.mjs', state, nonce)
      await once(holder.child.stdout as NodeJS.ReadableStream, 'data')
      expect(await place.run('sync', 'stop')).toMatchObject(outcome)
      expect(holder.isUp).toBe(nonce !== '')
      if (nonce === '') continue
      expect(await place.status()).toMatchObject({ reason: 'foreign_answer', pid: holder.pid })
      holder[Symbol.dispose]()
      await place.untilEnded()
    }
  })

  it('was paused is told of, never killed, and ends once it may', async () => {
    await using place = BackgroundWorld.bare()
    const pid = await place.start()
    process.kill(pid, 'SIGSTOP')
    const checked = await place.run('sync', 'status', '--check')
    expect(checked).toMatchObject({ code: 8, document: { reason: 'background_unresponsive' } })
    expect(checked.document['background']).toMatchObject({ state: 'unresponsive', pid })
    // What was recorded is none the worse.
    expect((await place.run(...emitNote('meanwhile'))).code).toBe(0)
    expect((await place.run('sync', 'stop')).code).toBe(1)
    process.kill(pid, 'SIGCONT')
    expect((await place.run('sync', 'stop')).document).toMatchObject({ stopped: true })
    expect(await place.status()).toMatchObject({ state: 'not_running' })
  })

  it('has lost its state directory ends, and leaves what is there now alone', async () => {
    await using place = BackgroundWorld.bare()
    const { machine } = place
    await place.start()
    const away = `${machine.state}-away`
    renameSync(machine.state, away)
    mkdirSync(machine.state)
    await until('it has ended', () => !SenderLease.isHeld(join(away, 'background/lock.db')))
    const log = readFileSync(join(away, 'background/log.jsonl'), 'utf8')
    expect(log).not.toContain('"ENDED"')
    expect((await machine.run(machine.folder, ['sync', 'logs'])).document['lines']).toEqual([])
  })
})

describe('the end', () => {
  it('of a command is not put off by what it left open', async () => {
    const stray = 'data:text/javascript,setInterval(()=>{},60_000)'
    const env = { ...process.env, NODE_OPTIONS: `--import=${stray}` }
    const from = performance.now()
    const { code, document } = await run({ cwd: PACKAGE, env }, ['--version'])
    expect({ code, ok: document.ok }).toEqual({ code: 0, ok: true })
    expect(performance.now() - from).toBeLessThan(STOP_MS)
  })

  it('of commands and of the process comes within 3 s: full queue, refused login, dead hub', async () => {
    await using place = await SendingWorld.make()
    const { machine, root, hub, uuid } = place
    const lines = noteLines(Array.from({ length: FULL }, (_, at) => `note ${at}`))
    await machine.ok(root, ['emit', '--batch', '-'], lines)
    const token = `${hub.token.slice(0, -4)}0000`
    const login = JSON.parse(readFileSync(join(machine.state, 'login.json'), 'utf8')) as object
    writeFileSync(join(machine.state, 'login.json'), JSON.stringify({ ...login, token }), {
      mode: 0o600,
    })
    await place.start()
    await until('the login is refused', async () => {
      const [project] = (await place.status()).projects
      return project?.state === 'suspended' && project.next_try_at !== null
    })
    hub.freeze()
    const emit = machine.start(root, emitNote('last'), { KITTIWAKE_AUTO_START: '1' })
    await until('it is durable', () => recorded(machine.state, uuid) > FULL)
    const from = performance.now()
    expect(await emit.ended).toBe(0)
    expect(performance.now() - from).toBeLessThan(STOP_MS)
    const { pid } = await place.status()
    const stopping = performance.now()
    process.kill(pid, 'SIGTERM')
    await place.untilEnded()
    expect(performance.now() - stopping).toBeLessThan(STOP_MS)
  })
})

/** A process that has nothing to do with any of this. */
class Bystander implements Disposable {
  readonly child: ChildProcess

  constructor(script?: string, ...args: string[]) {
    const words =
      script === undefined
        ? ['--eval', 'setInterval(() => {}, 60_000)']
        : [join(PACKAGE, 'test/support', script), ...args]
    this.child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get isUp(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL')
  }
}

/** This package under another version, and how to run its commands. */
function programOf(version: string, folder: string) {
  mkdirSync(folder)
  cpSync(join(PACKAGE, 'dist'), join(folder, 'dist'), { recursive: true })
  symlinkSync(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'))
  const description = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as object
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...description, version }))
  return async (cwd: string, env: NodeJS.ProcessEnv, ...args: string[]) => {
    const main = join(folder, 'dist/cli/main.js')
    const { stdout } = await promisify(execFile)(process.execPath, [main, ...args, '--json'], {
      cwd,
      env,
    })
    return JSON.parse(stdout) as Record<string, unknown>
  }
}

/** Events of the project that wait. */
function recorded(state: string, uuid: string): number {
  const path = outboxPath(state, uuid)
  const reader = OutboxReader.open({ path, owner: { kind: 'project', uuid } })
  try {
    const { pending, inflight } = reader.counts()
    return pending + inflight
  } finally {
    reader.close()
  }
}

function recordOf(pid: number): OwnerRecord {
  const started_at = new Date(0).toISOString()
  return { pid, version: '0.1.0', started_at, protocol: 1, nonce: '0'.repeat(32) }
}
