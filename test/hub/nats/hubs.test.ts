/** Hubs that share a log, as their clients see them. */
import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished, vi } from 'vitest'
import { serveHub } from '#dist/hub/server.js'
import type { Hub } from '#dist/hub/server.js'
import { createToken, issueToken, revokeToken } from '#dist/hub/access/tokens.js'
import { NatsProcess } from '../../../scripts/nats-process.mjs'
import { Program } from '../../support/program.ts'
import {
  batchOf,
  frameOf,
  newCommit,
  newEvent,
  newTicket,
  openLink,
  postBatch,
  request,
  temporaryFolder,
  TestLink,
} from '../support.ts'
import { describeNats, startNats } from './support.ts'
import { WebSocket } from 'ws'

type Team = {
  readonly server: NatsProcess
  readonly hubs: readonly Hub[]
  readonly dataDir: string
  readonly token: string
}

async function startTeam(count = 2): Promise<Team & { readonly one: Hub; readonly other: Hub }> {
  const server = await startNats()
  const dataDir = temporaryFolder()
  const token = createToken({ dataDir, team: 'acme', user: 'sam' })
  const hubs: Hub[] = []
  for (let at = 0; at < count; at++) {
    const folder = at === 0 ? dataDir : temporaryFolder()
    hubs.push(await serveHub({ dataDir: folder, nats: { servers: server.url } }))
  }
  onTestFinished(async () => {
    await Promise.all(hubs.map((hub) => hub.stop()))
  })
  const [one, other] = hubs
  if (one === undefined || other === undefined) throw new Error('two hubs are needed')
  return { server, hubs, dataDir, token, one, other }
}

const STOP_MS = 3_000

const subscribe = (project_uuid: string, place: object = {}): string =>
  JSON.stringify({ type: 'subscribe', project_uuid, ...place })

describeNats('a client of hubs that share a log', () => {
  it('sees at one what is sent at another, and goes on there by its number and epoch', async () => {
    const { one, other, token } = await startTeam()
    const { project_uuid } = newEvent()
    const sender = await openLink(one, token)
    sender.send(frameOf(newEvent({ project_uuid })))
    expect(await sender.take(1)).toMatchObject([{ type: 'ack', status: 'accepted' }])
    const reader = await openLink(other, token)
    await vi.waitFor(async () => {
      const { status } = await request(other, `/api/v1/feed?project_uuid=${project_uuid}`, token)
      expect(status).toBe(200)
    })
    reader.send(subscribe(project_uuid))
    const [subscribed] = await reader.take(2)
    expect(subscribed).toMatchObject({ seq: 1, resumed: false })
    sender.send(batchOf(1, [newEvent({ project_uuid }), newEvent({ project_uuid })]))
    expect((await reader.take(2)).map(({ seq }) => seq)).toEqual([2, 3])
    reader.socket.close()
    sender.send(JSON.stringify(newCommit({ project_uuid })))
    await sender.take(2)
    const moved = await openLink(one, token)
    const { epoch } = subscribed as { epoch?: string }
    moved.send(subscribe(project_uuid, { epoch, after_seq: 3 }))
    expect(await moved.take(3)).toMatchObject([
      { type: 'subscribed', resumed: true, epoch },
      { type: 'presence' },
      { type: 'LocalCommit', seq: 4 },
    ])
  })

  it('gets a socket token at one and opens its socket at another, once', async () => {
    const { one, other, token } = await startTeam()
    const { ws_token = '' } = await newTicket(one, token)
    const open = () =>
      new TestLink(
        new WebSocket(`${other.url.replace('http', 'ws')}/api/v1/ws`, {
          headers: { Authorization: `Bearer ${ws_token}` },
        }),
      )
    expect(await open().next()).toMatchObject({ type: 'snapshot' })
    await expect(open().next()).rejects.toThrow('closed')
  })

  it('is told who is present at another, until that one is gone', async () => {
    const { one, other, token } = await startTeam()
    const { project_uuid } = newEvent()
    await postBatch(one, token, { events: [newEvent({ project_uuid })] })
    await vi.waitFor(async () => {
      const { status } = await request(other, `/api/v1/feed?project_uuid=${project_uuid}`, token)
      expect(status).toBe(200)
    })
    const [worker, watcher] = [await openLink(one, token), await openLink(other, token)]
    watcher.send(subscribe(project_uuid))
    await watcher.take(2)
    const focus = { mission: 'login', wp: 'WP01' }
    worker.send(JSON.stringify({ type: 'presence', project_uuid, focus }))
    expect(await watcher.take(1)).toMatchObject([{ type: 'presence', present: [{ focus }] }])
    // Whoever comes later is told by asking.
    const late = await openLink(other, token)
    late.send(subscribe(project_uuid))
    expect((await late.take(2))[1]).toMatchObject({ present: [{ focus }] })
    worker.socket.close()
    expect(await watcher.take(1)).toMatchObject([{ type: 'presence', present: [] }])
  })

  it('logs in with its browser at one, by a token or a link, and is in at all until it leaves', async () => {
    const { one, other, token } = await startTeam()
    const enter = async (hub: Hub, body: object) => {
      const host = `team.localhost:${one.port}`
      const init = { method: 'POST', body: JSON.stringify(body), headers: { host } }
      const answer = await request(hub, '/api/v1/session', null, init)
      const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
      return { secret: String(answer.body['secret']), cookie }
    }
    const me = async (hub: Hub, { secret, cookie }: { secret: string; cookie: string }) => {
      // As behind a balancer, where the browser knows one name for all.
      const named = cookie.replace(/-\d+=/, `-${hub.port}=`)
      return (await request(hub, '/api/v1/me', secret, { headers: { cookie: named } })).status
    }
    const window = await enter(one, { token })
    expect([await me(one, window), await me(other, window)]).toEqual([200, 200])
    const link = await other.invite({ team: 'acme', user: 'dashboard' })
    const code = new URL(link).hash.replace('#code=', '')
    const guest = await enter(one, { code })
    expect([await me(other, guest), await me(one, guest)]).toEqual([200, 200])
    expect(await me(other, await enter(other, { code }))).toBe(401)
    const cookie = window.cookie.replace(/-\d+=/, `-${other.port}=`)
    const init = { method: 'POST', headers: { cookie } }
    expect((await request(other, '/api/v1/session/end', window.secret, init)).status).toBe(200)
    await vi.waitFor(async () => expect(await me(one, window)).toBe(401))
  })

  it('is let in nowhere once its token is revoked at one', async () => {
    const { other, dataDir } = await startTeam()
    const { token, token_id } = issueToken({ dataDir, team: 'acme', user: 'kim' })
    await vi.waitFor(async () => {
      expect((await request(other, '/api/v1/me', token)).status).toBe(200)
    }, 5_000)
    const link = await openLink(other, token)
    revokeToken(dataDir, token_id)
    expect(await link.end()).toMatchObject({ code: 4401 })
    expect((await request(other, '/api/v1/me', token)).status).toBe(401)
  })

  it('stays connected while no server is there, gets no answer, and gets it then; a stranger waits', async () => {
    const { server, one, token } = await startTeam()
    const link = await openLink(one, token)
    await server.kill()
    await vi.waitFor(async () => {
      const { status, body } = await request(one, '/readyz', null)
      expect([status, body['status']]).toEqual([503, 'away'])
    })
    expect((await request(one, '/health', null)).status).toBe(200)
    const event = newEvent()
    link.send(frameOf(event))
    const away = { status: 503, body: { error: { code: 'HUB_AWAY' } } }
    expect(await request(one, '/api/v1/me', `kwk_${'A'.repeat(43)}`)).toMatchObject(away)
    expect(await request(one, '/api/v1/ws-token', token, { method: 'POST' })).toMatchObject(away)
    expect((await request(one, '/api/v1/me', token)).status).toBe(200)
    await server.start()
    expect(await link.take(1)).toMatchObject([{ type: 'ack', event_id: event.event_id }])
    expect((await request(one, '/readyz', null)).status).toBe(200)
  })

  it('is sent away in time, and unanswered, by a hub that stops while no server is there', async () => {
    const { server, one, token } = await startTeam()
    const link = await openLink(one, token)
    await server.kill()
    await vi.waitFor(async () => expect((await request(one, '/readyz', null)).status).toBe(503))
    link.send(frameOf(newEvent()))
    const started = performance.now()
    await one.stop()
    expect(performance.now() - started).toBeLessThan(STOP_MS)
    expect(await link.end()).toMatchObject({ code: 1012 })
    await expect(link.next()).rejects.toThrow('closed')
  })

  it('finds a hub that was started before its server, once that is there', async () => {
    const server = await startNats()
    await server.kill()
    const place = { cwd: temporaryFolder(), env: process.env }
    const dataDir = temporaryFolder()
    const token = createToken({ dataDir, team: 'acme', user: 'sam' })
    const words = ['hub', 'serve', '--backend', 'nats', '--nats', server.url, '--data', dataDir]
    const program = new Program(place, words)
    onTestFinished(() => {
      program.child.kill('SIGKILL')
    })
    const hub = (await program.saw(({ url }) => url !== undefined)) as unknown as Hub
    const project_uuid = randomUUID()
    const events = [newEvent({ project_uuid })]
    expect(await postBatch(hub, token, { events })).toMatchObject({ status: 503 })
    await server.start()
    await vi.waitFor(async () => {
      expect((await request(hub, '/readyz', null)).status).toBe(200)
    }, 10_000)
    expect(await postBatch(hub, token, { events })).toMatchObject({
      status: 200,
      body: { results: [{ status: 'success' }] },
    })
  })
})
