/** The background process as its users meet it: started by what they do, one of a kind, and gone without a trace. */
import {
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { BackgroundWorld, SendingWorld } from '../support/background-world.ts'
import { emitNote, noteOf } from '../support/drafts.ts'
import { filesWith } from '../support/test-machine.ts'
import { until } from '../support/program.ts'

/** Threads included. It takes some 136; on a loaded machine, which collects late, more than that for a moment. */
const RESIDENT_MB_MAX = 150
const IS_LINUX = process.platform === 'linux'

describe.concurrent('the background process', () => {
  it('is started by a command that records, delivers, and is started again where it was killed', async () => {
    await using place = await SendingWorld.make()
    const { machine, hub, root, uuid } = place
    const notes = async () => (await hub.rows('event', uuid)).map(({ event }) => noteOf(event))
    await place.allowing(() => machine.ok(root, emitNote('first')))
    await vi.waitFor(async () => expect(await notes()).toEqual(['first']), { timeout: 30_000 })
    const { pid, projects } = await place.status()
    expect(projects).toMatchObject([{ project: uuid, state: 'live', reason: null }])
    process.kill(pid, 'SIGKILL')
    await place.untilEnded()
    // As if some seconds had passed.
    utimesSync(place.places.started, 0, 0)
    await place.allowing(() => machine.ok(root, emitNote('second')))
    await vi.waitFor(async () => expect(await notes()).toEqual(['first', 'second']), {
      timeout: 30_000,
    })
    expect((await place.status()).pid).not.toBe(pid)
    expect((await place.run('sync', 'logs')).document['lines']).toContainEqual(
      expect.objectContaining({ code: 'PREDECESSOR_DIED' }),
    )
    expectPrivate(place)
    await hub.kill()
    await machine.ok(root, emitNote('third'))
    await until('it waits for the hub', async () => {
      const [project] = (await place.status()).projects
      return project?.state === 'backingOff' && project.next_try_at !== null
    })
    // It would else be waited for until the time is over.
    const byHand = await place.run('sync', 'now', '--timeout', '60')
    expect(byHand).toMatchObject({ code: 8, document: { reason: 'hub_unreachable' } })
  })

  it('is not started by who only looks, nor where it is unwanted, nor without consent or login', async () => {
    await using place = await SendingWorld.make()
    const { machine, hub, root } = place
    await place.allowing(async () => {
      await machine.run(root, ['sync', 'status'])
      await machine.run(root, ['doctor'])
      await machine.ok(root, ['sync', 'opt-out'])
      await machine.ok(root, emitNote('without consent'))
      await machine.ok(root, ['auth', 'logout'])
      await machine.ok(root, ['sync', 'opt-in'])
      await machine.ok(root, emitNote('without login'))
    })
    await hub.login(root)
    await place.allowing(async () => {
      const config = join(root, '.kittify/config.yaml')
      const text = readFileSync(config, 'utf8')
      writeFileSync(config, `${text}sync:\n  auto_start: false\n`)
      await machine.ok(root, emitNote('unwanted'))
      expect(() => statSync(place.places.started)).toThrow('ENOENT')
      writeFileSync(config, text)
      await machine.ok(root, emitNote('wanted'))
    })
    expect(statSync(place.places.started).isFile()).toBe(true)
    await until('it runs', () => place.isRunning)
  })

  it('runs once, apart from its terminal and folder, until it is asked to end', async () => {
    await using place = BackgroundWorld.bare()
    const { machine, root } = place
    const pid = await place.start()
    expect(await place.run('sync', 'start')).toMatchObject({ document: { started: false, pid } })
    if (IS_LINUX) {
      // The session id is the sixth field; the name before it stands in brackets.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      expect(Number(fields[3])).toBe(pid)
      expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/')
      const streams = [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
      expect(streams).toEqual(['/dev/null', '/dev/null', '/dev/null'])
    }
    const foreground = await machine.run(root, ['sync', 'run', '--all'])
    expect(foreground).toMatchObject({ code: 0, document: { state: 'already_running' } })
    const logs = machine.start(root, ['sync', 'logs', '--follow'])
    await logs.saw(({ code }) => code === 'STARTED')
    const again = await place.run('sync', 'restart')
    await logs.saw(({ code }) => code === 'ENDED')
    expect(await logs.end('SIGINT')).toBeLessThan(3_000)
    expect(again.document).toMatchObject({ stopped: true, state: 'running' })
    expect(again.document['pid']).not.toBe(pid)
    expect((await place.run('sync', 'stop')).document).toMatchObject({ stopped: true })
    expect(place.isRunning).toBe(false)
    expect((await place.run('sync', 'stop')).document).toMatchObject({ stopped: false })
    expect(readdirSync(place.places.folder)).not.toContain('owner.json')
  })

  it('delivers for more projects than it keeps open, in little memory, and forgets one that is gone', async () => {
    await using place = await SendingWorld.make()
    const { machine, hub, root, uuid } = place
    const others = await Promise.all([machine.project('tern'), machine.project('skua')])
    const projects = [{ root, uuid }, ...others]
    for (const project of projects) {
      await machine.ok(project.root, ['sync', 'opt-in'])
      await machine.ok(project.root, emitNote('kept'))
    }
    const { pid } = (await machine.ok(root, ['sync', 'start', '--idle', '30'])) as unknown as {
      pid: number
    }
    for (const project of projects) {
      const count = async () => (await hub.rows('event', project.uuid)).length
      await vi.waitFor(async () => expect(await count()).toBe(1), { timeout: 40_000 })
    }
    const { projects: held } = await place.status()
    expect(held.map(({ project }) => project).sort()).toEqual(
      projects.map((project) => project.uuid).sort(),
    )
    expect(held.filter(({ state }) => state !== 'resting').length).toBeLessThanOrEqual(2)
    await until('it takes little memory', async () => {
      return (await place.status()).resident_mb <= RESIDENT_MB_MAX
    })
    if (IS_LINUX) {
      const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      console.log(`background process, three projects: peak ${Math.round(Number(peak) / 1024)} MiB`)
    }
    await until('links without use are given back', async () => {
      const { state, projects: all } = await place.status()
      return state === 'running' && all.every((project) => project.state === 'resting')
    })
    rmSync(others[0].root, { recursive: true })
    const gone = others[0].uuid
    await machine.ok(root, ['sync', 'restart'])
    await until('it is forgotten', async () => {
      return (await place.status()).projects.every(({ project }) => project !== gone)
    })
    expect(readdirSync(place.places.projects)).toHaveLength(2)
  })

  it('tells the commits of every clone of a project, and sends the events by whichever it holds', async () => {
    await using place = await SendingWorld.make()
    const { machine, hub, root, uuid } = place
    const clone = join(machine.folder, 'clone')
    machine.git(root, 'add', '.')
    machine.git(root, 'commit', '-q', '-m', 'An identity')
    machine.git(machine.folder, 'clone', '-q', root, clone)
    const commit = async (cwd: string, slug: string) => {
      const { mission_slug: mission } = await machine.ok(cwd, ['mission', 'create', slug])
      await machine.ok(cwd, ['wp', 'create', 'WP01', '--mission', String(mission)])
    }
    const waiting = async (cwd: string) => {
      const { commits, events } = await machine.ok(cwd, ['sync', 'status'])
      return [commits, events].map((each) => (each as { pending: unknown }).pending)
    }
    await commit(root, 'harbour')
    await place.start()
    await vi.waitFor(async () => expect(await waiting(root)).toEqual([[], 0]), { timeout: 30_000 })
    expect((await place.status()).projects).toMatchObject([{ project: uuid, state: 'live' }])
    await commit(clone, 'quay')
    const { code, document } = await machine.run(clone, ['sync', 'now'])
    expect([code, document['reason']]).toEqual([0, null])
    expect(await waiting(clone)).toEqual([[], 0])
    const states = async () => (await place.status()).projects.map(({ state }) => state).sort()
    const sent = async () => (await hub.rows('event', uuid)).length
    const before = await sent()
    await machine.ok(root, emitNote('from the one that rests'))
    await vi.waitFor(async () => expect(await sent()).toBe(before + 1), { timeout: 30_000 })
    expect(await states()).toEqual(['live', 'resting'])
  })

  it('lets go of a project that is purged, and runs on', async () => {
    await using place = await SendingWorld.make()
    const { machine, hub, root, uuid } = place
    const pid = await place.start()
    await machine.ok(root, emitNote('soon gone'))
    await vi.waitFor(async () => expect(await hub.rows('event', uuid)).toHaveLength(1), {
      timeout: 30_000,
    })
    expect((await place.status()).projects).toMatchObject([{ project: uuid, state: 'live' }])
    expect(await place.run('sync', 'purge', '--yes')).toMatchObject({
      code: 0,
      document: { purged: true },
    })
    expect(await place.status()).toMatchObject({ pid, projects: [] })
    expect(readdirSync(place.places.projects)).toEqual([])
    expect(readdirSync(join(machine.state, 'projects'))).not.toContain(uuid)
    const ours = filesWith(machine.state, uuid).filter((path) => !path.startsWith(hub.dataDir))
    expect(ours).toEqual([])
  })

  it('ends by itself when there is nothing to do', async () => {
    await using place = BackgroundWorld.bare()
    await place.start('--idle', '1')
    await place.untilEnded()
    const { document } = await place.run('sync', 'logs', '--limit', '1')
    expect(document['lines']).toMatchObject([{ code: 'ENDED', reason: 'idle' }])
  })
})

/** Only this user may read it, and it tells of no path or person. */
function expectPrivate({ places, machine, hub }: SendingWorld): void {
  for (const name of ['owner.json', 'log.jsonl', 'lock.db']) {
    expect(statSync(join(places.folder, name)).mode & 0o077).toBe(0)
  }
  expect(statSync(dirname(places.control)).mode & 0o077).toBe(0)
  const telling = filesWith(places.folder, machine.folder)
  expect(telling.map((path) => dirname(path))).toEqual([places.projects])
  expect(filesWith(places.folder, 'keeper')).toEqual([])
  expect(filesWith(places.folder, hub.token)).toEqual([])
}
