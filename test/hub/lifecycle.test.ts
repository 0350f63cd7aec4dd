import Database from 'better-sqlite3'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createToken } from '#dist/hub/access/tokens.js'
import { serveHub } from '#dist/hub/server.js'
import { Program } from '../support/program.ts'
import {
  batchOf,
  frameOf,
  newEvent,
  openLink,
  postBatch,
  readAll,
  request,
  startHub,
  temporaryFolder,
} from './support.ts'

describe('stopping', () => {
  it('acknowledges what it has stored, says 1012, and frees its port and folder', async () => {
    const { hub, dataDir, token } = await startHub()
    const link = await openLink(hub, token)
    const event = newEvent()
    link.send(frameOf(event))
    expect(await link.next()).toMatchObject({ event_id: event.event_id })
    await hub.stop()
    expect(await link.end()).toMatchObject({ code: 1012 })
    const again = await serveHub({ dataDir, port: hub.port })
    onTestFinished(() => again.stop())
    expect(again.url).toBe(hub.url)
    expect(await readAll(again, token, event.project_uuid)).toHaveLength(1)
  })

  it('stores what it acknowledged and acknowledges what it stored, while frames stream in', async () => {
    const { hub, dataDir, token } = await startHub()
    const link = await openLink(hub, token)
    const project_uuid = newEvent().project_uuid
    const events = Array.from({ length: 3_000 }, () => newEvent({ project_uuid }))
    link.send(...events.map(frameOf))
    const acked = [await link.next()]
    await hub.stop()
    for (let more = true; more;) {
      try {
        acked.push(await link.next())
      } catch {
        more = false
      }
    }
    const again = await serveHub({ dataDir })
    onTestFinished(() => again.stop())
    const stored = (await readAll(again, token, project_uuid)).map(({ event }) => event.event_id)
    expect(acked.map((frame) => frame['event_id'])).toEqual(stored)
  })

  it('of the program by SIGTERM stores what it acknowledged by either way, and is over in 3 s', async () => {
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const place = { cwd: dataDir, env: process.env }
    const program = new Program(place, ['hub', 'serve', '--data', dataDir])
    onTestFinished(() => {
      program.child.kill('SIGKILL')
    })
    const hub = (await program.saw(({ url }) => url !== undefined)) as unknown as { url: string }
    const { project_uuid } = newEvent()
    const newPart = () => Array.from({ length: 100 }, () => newEvent({ project_uuid }))
    const link = await openLink(hub, token)
    const parts = Array.from({ length: 30 }, newPart)
    link.send(...parts.map((part, index) => batchOf(index + 1, part)))
    const posts = Array.from({ length: 6 }, async () => {
      const events = newPart()
      // Refused with 503, cut off, or stored: only the last is a promise.
      const { status } = await postBatch(hub, token, { events }).catch(() => ({ status: 0 }))
      return status === 200 ? events : []
    })
    let through = Number((await link.next())['through'])
    const ended = program.end('SIGTERM')
    for (let isOpen = true; isOpen;) {
      try {
        through = Number((await link.next())['through'])
      } catch {
        isOpen = false
      }
    }
    expect(link.closed).toMatchObject({ code: 1012 })
    expect(await ended).toBeLessThan(3_000)
    const promised = [...parts.slice(0, through), ...(await Promise.all(posts))].flat()
    const again = await serveHub({ dataDir })
    onTestFinished(() => again.stop())
    const rows = await readAll(again, token, project_uuid, 1_000)
    const stored = new Set(rows.map(({ event }) => event.event_id))
    expect(promised.filter(({ event_id }) => !stored.has(event_id))).toEqual([])
    expect(stored.size).toBe(rows.length)
  })

  it('ends within three seconds though a peer never reads and a request never ends', async () => {
    const { hub, token } = await startHub()
    const deaf = await openLink(hub, token)
    deaf.socket.pause()
    const half = connect(hub.port, '127.0.0.1')
    half.on('error', () => {})
    await once(half, 'connect')
    half.write('POST /api/v1/ws-token HTTP/1.1\r\n')
    const halfClosed = once(half, 'close')
    const started = performance.now()
    await hub.stop()
    expect(performance.now() - started).toBeLessThan(3_000)
    await halfClosed
    await expect(fetch(`${hub.url}/health`)).rejects.toThrow(/fetch failed/)
  })

  it('waits a second at most for a peer that it closes and that does not answer', async () => {
    let sayClosed: () => void = () => {}
    const closed = new Promise<void>((resolve) => {
      sayClosed = resolve
    })
    const { hub, token } = await startHub({
      log: (line) => {
        if (line.includes('peer_closed')) sayClosed()
      },
    })
    const deaf = await openLink(hub, token)
    deaf.socket.send(Buffer.alloc(1), { binary: true })
    deaf.socket.pause()
    const started = performance.now()
    await closed
    expect(performance.now() - started).toBeLessThan(3_000)
  })

  it('is the same stop, however often it is asked for', async () => {
    const dataDir = temporaryFolder()
    const hub = await serveHub({ dataDir })
    await Promise.all([hub.stop(), hub.stop(), hub[Symbol.asyncDispose]()])
    await hub.stop()
    expect(hub.port).toBeGreaterThan(0)
  })
})

describe('starting', () => {
  it('refuses a folder that another hub serves, in this process or another', async () => {
    const { dataDir } = await startHub()
    await expect(serveHub({ dataDir })).rejects.toMatchObject({ code: 'HUB_DATA_IN_USE' })
    const script = join(import.meta.dirname, 'serve-hub.mjs')
    const other = promisify(execFile)(process.execPath, [script, dataDir])
    await expect(other).rejects.toMatchObject({
      stderr: expect.stringContaining('HUB_DATA_IN_USE'),
    })
  })

  it('refuses a port that is taken, and leaves the folder free', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => {
      taken.close()
    })
    const dataDir = temporaryFolder()
    const { port } = taken.address() as AddressInfo
    await expect(serveHub({ dataDir, port })).rejects.toMatchObject({ code: 'HUB_PORT_IN_USE' })
    await (await serveHub({ dataDir })).stop()
  })

  it.each([
    { port: -1 },
    { port: 65_536 },
    { port: 1.5 },
    { port: Number.NaN },
    { host: '' },
    { host: '203.0.113.7' },
  ])('refuses the address %j', async (address) => {
    const dataDir = temporaryFolder()
    await expect(serveHub({ dataDir, ...address })).rejects.toMatchObject({
      code: 'HUB_ADDRESS_REFUSED',
    })
  })

  it('says that the folder can not be used where its mark can not be written', async () => {
    const dataDir = temporaryFolder()
    mkdirSync(join(dataDir, 'hub.mark'))
    await expect(serveHub({ dataDir })).rejects.toMatchObject({ code: 'HUB_DATA_UNUSABLE' })
    rmSync(join(dataDir, 'hub.mark'), { recursive: true })
    await (await serveHub({ dataDir })).stop()
  })

  it('refuses a database of a newer schema and changes nothing in it', async () => {
    const dataDir = temporaryFolder()
    createToken({ dataDir, team: 'acme', user: 'sam' })
    const path = join(dataDir, 'hub.db')
    const database = new Database(path)
    database.pragma('user_version = 99')
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.close()
    const before = readFileSync(path)
    await expect(serveHub({ dataDir })).rejects.toMatchObject({ code: 'HUB_DATA_NEWER' })
    expect(() => createToken({ dataDir, team: 'a', user: 'b' })).toThrow(/schema 99/)
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it.each<[string, (path: string) => void]>([
    ['garbage', (path) => writeFileSync(path, 'garbage '.repeat(1_000))],
    [
      "another program's tables",
      (path) => void new Database(path).exec('CREATE TABLE theirs (x)').close(),
    ],
    [
      "another program's version",
      (path) => {
        const database = new Database(path)
        database.pragma('application_id = 77')
        database.close()
      },
    ],
  ])('refuses a hub.db of %s and keeps it', async (_, spoil) => {
    const dataDir = temporaryFolder()
    const path = join(dataDir, 'hub.db')
    spoil(path)
    await expect(serveHub({ dataDir })).rejects.toMatchObject({ code: 'HUB_DATA_UNUSABLE' })
    expect(() => createToken({ dataDir, team: 'a', user: 'b' })).toThrow(/hub/)
    expect(statSync(path).size).toBeGreaterThan(0)
  })

  it('refuses a folder that is a file', async () => {
    const dataDir = join(temporaryFolder(), 'file')
    writeFileSync(dataDir, 'x')
    await expect(serveHub({ dataDir })).rejects.toMatchObject({ code: 'HUB_DATA_UNUSABLE' })
    expect(readFileSync(dataDir, 'utf8')).toBe('x')
  })

  it('makes its folder and files for their owner only (S18)', async () => {
    const dataDir = join(temporaryFolder(), 'new', 'hub')
    const hub = await serveHub({ dataDir })
    onTestFinished(() => hub.stop())
    const modes = ['hub.db', 'hub.mark'].map((file) => statSync(join(dataDir, file)).mode & 0o077)
    expect(modes).toEqual(process.platform === 'win32' ? modes : [0, 0])
  })

  it('answers to other names when it is told to listen beyond loopback', async () => {
    const { hub, token } = await startHub({ host: '0.0.0.0' })
    const { status, body } = await request(
      { url: `http://127.0.0.1:${hub.port}` },
      '/api/v1/ws-token',
      token,
      { method: 'POST' },
    )
    expect(status).toBe(200)
    expect(body.ws_url).toBe(`ws://127.0.0.1:${hub.port}/api/v1/ws`)
    const link = await openLink({ url: `http://localhost:${hub.port}` }, token)
    expect(link.closed).toBeNull()
  })

  it('survives eight processes that make the first tokens at once', async () => {
    const dataDir = temporaryFolder()
    const code = `import { createToken } from '#dist/hub/access/tokens.js'
      console.log(createToken({ dataDir: process.argv[1], team: 'acme', user: 'sam' }))`
    const run = promisify(execFile)
    const tokens = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const args = ['--input-type=module', '-e', code, dataDir]
        return (await run(process.execPath, args)).stdout.trim()
      }),
    )
    const { hub } = await startHub({ dataDir })
    for (const token of tokens) {
      expect((await request(hub, '/api/v1/me', token)).status).toBe(200)
    }
    expect(new Set(tokens).size).toBe(8)
  })
})

describe('secrets and names', () => {
  it('are in no log line; each line is one bounded JSON object (S25)', async () => {
    const lines: string[] = []
    const { hub, dataDir } = await startHub({ log: (line) => lines.push(line) })
    const token = createToken({ dataDir, team: 'secretteam', user: 'secretuser' })
    const link = await openLink(hub, token)
    link.send('{"secretframe', frameOf(newEvent({ payload: { a: 'secretpayload' } })))
    await link.take(2)
    await request(hub, '/api/v1/events?project_uuid=secretquery', token)
    await hub.stop()
    expect(lines.map((line) => (JSON.parse(line) as { what: string }).what)).toEqual([
      'listening',
      'peer_opened',
      'peer_closed',
      'stopped',
    ])
    for (const line of lines) {
      expect(line).toMatch(/^[\x20-\x7e]{1,1024}$/)
      expect(line).not.toMatch(/secret|kw[kt]_|127\.0\.0\.1/)
    }
  })

  it('serves on when the log fails', async () => {
    const { hub, token } = await startHub({
      log: () => {
        throw new Error('disk full')
      },
    })
    expect((await openLink(hub, token)).closed).toBeNull()
  })

  it('leaves no token in any file (S19)', async () => {
    const { hub, dataDir, token } = await startHub()
    await openLink(hub, token)
    await hub.stop()
    for (const file of readdirSync(dataDir)) {
      expect(readFileSync(join(dataDir, file)).includes(token)).toBe(false)
    }
    expect(existsSync(join(dataDir, 'hub.db'))).toBe(true)
  })
})

describe(createToken, () => {
  it.each(['', 'a b', '../x', '-a', 'a-', 'ä', 'x'.repeat(65), 'a\n'])(
    'refuses the team %j',
    (team) => {
      const dataDir = join(temporaryFolder(), 'untouched')
      expect(() => createToken({ dataDir, team, user: 'sam' })).toThrow(
        expect.objectContaining({ code: 'HUB_TEAM_INVALID' }),
      )
      expect(existsSync(dataDir)).toBe(false)
    },
  )

  it.each(['', ' ', 'a\u0000', 'a\u202Eb', 'x'.repeat(129)])('refuses the user %j', (user) => {
    expect(() => createToken({ dataDir: temporaryFolder(), team: 'acme', user })).toThrow(
      expect.objectContaining({ code: 'HUB_USER_INVALID' }),
    )
  })
})
