/** Commands that work on what hubs share, where the server or the machine gives out: an error that says what to do, and soon. */
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Program, run } from '../../support/program.ts'
import { frameOf, newEvent, openLink, startHub, temporaryFolder } from '../support.ts'
import { describeNats, eventEntry, PROJECT, startBackend, startNats } from './support.ts'

const SUBJECTS = ['evt', 'mis', 'adm', 'dead', 'base', 'aw', '$JS.API', '$KV', '_INBOX']
const DELETE = ['hub', 'delete', '--team', 'acme', '--project', PROJECT, '--yes']
const RETAIN = ['hub', 'retain', '--keep-days', '1', '--yes']

function fileOf(text: string): string {
  const path = join(temporaryFolder(), 'file')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** The settings of a server that lets in `hub`, who may publish to all that hubs need but one. */
function settingsWithout(lacking: string): string {
  const allow = SUBJECTS.filter((name) => name !== lacking).map((name) => `"${name}.>"`)
  const user = `{ user: hub, password: x, permissions: { publish: [${allow.join()}], subscribe: ">" } }`
  return `authorization { users: [ ${user}, { user: all, password: x } ] }`
}

const place = () => ({ cwd: temporaryFolder(), env: process.env })

describeNats('a command', () => {
  it.each([
    ['adm', DELETE],
    ['adm', RETAIN],
    ['base', RETAIN],
  ])('of a user that may not publish to %s.> says so', async (lacking, words) => {
    const server = await startNats(['-c', fileOf(settingsWithout(lacking))])
    const nats = { servers: server.url, credentialsFile: fileOf('all:x') }
    const { hub, token } = await startHub({ nats })
    const link = await openLink(hub, token)
    link.send(frameOf(newEvent({ project_uuid: PROJECT })))
    await link.take(1)
    const login = ['--nats', server.url, '--nats-credentials', fileOf('hub:x')]
    const { code, document } = await run(place(), [...words, ...login])
    expect(document.error).toMatchObject({ code: 'NATS_REFUSED' })
    expect(code).toBe(1)
  })

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'whose server gets %s ends, and says so',
    async (signal) => {
      const server = await startNats()
      const one = await startBackend(server)
      for (let n = 0; n < 8; n++) {
        await one.append(...Array.from({ length: 500 }, () => eventEntry('x'.repeat(400))))
      }
      const folder = temporaryFolder()
      const there = { cwd: folder, env: { ...process.env, TMPDIR: folder } }
      const program = new Program(there, [...RETAIN, '--nats', server.url])
      onTestFinished(() => void program.child.kill('SIGKILL'))
      const begun = () => expect(readdirSync(folder).join()).toContain('kittiwake-copy-')
      await vi.waitFor(begun, { interval: 1, timeout: 20_000 })
      server.signal(signal)
      try {
        expect(await program.ended).toBe(1)
      } finally {
        server.signal('SIGCONT')
      }
      expect(program.documents).toMatchObject([{ error: { code: 'NATS_UNREACHABLE' } }])
      expect(readdirSync(folder)).toEqual([])
    },
  )

  it('that finds no room for its copy says where it needs some', async () => {
    const server = await startNats()
    await (await startBackend(server)).append(eventEntry())
    const cwd = temporaryFolder()
    const there = { cwd, env: { ...process.env, TMPDIR: join(cwd, 'none') } }
    const { document } = await run(there, [...RETAIN, '--nats', server.url])
    expect(document.error).toMatchObject({ code: 'HUB_COPY_FAILED' })
    expect(document.error?.hint).toContain('TMPDIR')
  })
})

describeNats('a hub whose user lacks a right', () => {
  it('tells in its log what it is, and answers again once it has it', async () => {
    const path = fileOf(settingsWithout('evt'))
    const server = await startNats(['-c', path])
    const lines: string[] = []
    const { hub, token } = await startHub({
      nats: { servers: server.url, credentialsFile: fileOf('hub:x') },
      log: (line) => lines.push(line),
    })
    const link = await openLink(hub, token)
    link.send(frameOf(newEvent()))
    const told = () => {
      const failed = { what: 'publish_failed', code: 'NATS_REFUSED' }
      expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
        expect.objectContaining(failed),
      )
    }
    await vi.waitFor(told, 10_000)
    writeFileSync(path, settingsWithout('none'))
    await server.kill()
    await server.start()
    expect(await link.take(1)).toMatchObject([{ type: 'ack', status: 'accepted' }])
  })
})

describeNats('a hub that stops', () => {
  it('waits for no server that takes connections and says nothing', async () => {
    const mute = createServer()
    const sockets: Socket[] = []
    mute.on('connection', (socket) => {
      socket.on('error', () => {})
      sockets.push(socket)
    })
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      mute.close()
    })
    const { port } = mute.address() as AddressInfo
    // It is up once the first connection came to nothing.
    const { hub } = await startHub({ nats: { servers: `nats://127.0.0.1:${port}` } })
    await vi.waitFor(() => expect(sockets.length).toBeGreaterThan(1), 10_000)
    const startedMs = performance.now()
    await hub.stop()
    expect(performance.now() - startedMs).toBeLessThan(3_000)
  })
})
