/** The whole way of events from the outbox through the threads to hubs that are slow, blocked, lying or unwilling. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Runtime } from '#dist/index.js'
import { writeLogin } from '#dist/project/login/login.js'
import { draftNote } from '../support/drafts.ts'
import { RuntimeWorld } from '../support/runtime-world.ts'
import {
  ARRAYS,
  ScriptedHub,
  TOKEN,
  acksOf,
  healthOf,
  idsOf,
  range,
  reply,
  resultsOf,
} from '../workers/socket/scripted-hub.ts'
import type { Frame, Script } from '../workers/socket/scripted-hub.ts'

async function start(script: Script) {
  const hub = await ScriptedHub.start(script)
  onTestFinished(() => hub.stop())
  const world = new RuntimeWorld()
  const uuid = await world.init()
  await world.optIn()
  const login = (token = TOKEN) =>
    writeLogin(world.state, { hub: hub.url, token, team_slug: 'harbour' })
  login()
  const runtime = await world.open({ random: () => 0 })
  const warnings: string[] = []
  runtime.on('warning', ({ code, message }) => warnings.push(`${code}: ${message}`))
  const states = () => world.events(uuid).map((event) => event.state)
  return { hub, runtime, warnings, login, states }
}

/** So many events, all in one turn, in the order of their clocks. */
async function emit(runtime: Runtime, count: number, text = ''): Promise<readonly string[]> {
  const drafts = range(count).map((at) => draftNote(`${at} ${text}`))
  const receipts = await Promise.all(drafts.map((draft) => runtime.emit(draft)))
  return receipts
    .toSorted((a, b) => a.lamport_clock - b.lamport_clock)
    .map((receipt) => receipt.event_id)
}

const arrays: Script['greet'] = (peer) => peer.send(JSON.stringify(ARRAYS))

describe('the way to a hub', () => {
  it('loses nothing to one that lies, and delivers all in order once it is honest', async () => {
    let isHonest = false
    const heard: Frame[] = []
    const { hub, runtime, states } = await start({
      greet: arrays,
      frame: (frame, peer) => {
        if (isHonest) heard.push(frame)
        const acks = acksOf(frame)
        peer.send(JSON.stringify(isHonest ? acks : { ...acks, count: Number(acks['count']) + 1 }))
        if (!isHonest && hub.frames.length >= 3) peer.terminate()
      },
    })
    const ids = await emit(runtime, 600)
    await runtime.sync.start()
    await vi.waitFor(() => expect(hub.upgrades.length).toBeGreaterThan(2), { timeout: 20_000 })
    expect(new Set(states())).not.toContain('delivered')
    isHonest = true
    const done = (): void => expect(new Set(states())).toEqual(new Set(['delivered']))
    await vi.waitFor(done, { timeout: 20_000 })
    expect([...new Set(heard.flatMap(idsOf))]).toEqual(ids)
  })

  it('is waited for by a delivery where another login opens it anew', async () => {
    const { hub, runtime, login } = await start({
      greet: arrays,
      frame: (frame, peer) => {
        // The first connection answers nothing, and loses its login.
        if (hub.upgrades.length === 1) login(`${TOKEN}_new`)
        else peer.send(JSON.stringify(acksOf(frame)))
      },
    })
    await emit(runtime, 3)
    expect(await runtime.sync.now()).toMatchObject({ delivered: 3, pending: 0, reason: null })
    expect(hub.upgrades).toHaveLength(2)
  })

  it('leads by HTTP where no WebSocket gets through, and says when it tries again', async () => {
    const { hub, runtime } = await start({
      upgrade: (socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'),
      health: (response) => reply(response, 200, healthOf()),
      batch: (batch, response) => reply(response, 200, resultsOf(batch.ids)),
    })
    const ids = await emit(runtime, 300)
    await runtime.sync.start()
    const report = await runtime.sync.now()
    expect(report).toMatchObject({ delivered: 300, pending: 0, reason: null })
    expect(hub.batches.flatMap((batch) => batch.ids)).toEqual(ids)
    const { state, reason, nextTryAt } = runtime.sync.link
    expect([state, reason]).toEqual(['batching', 'HUB_UNREACHABLE'])
    expect(nextTryAt).toBeGreaterThan(Date.now() - 5_000)
  })

  it('is refused once aloud, whatever is tried, and free again with a login that is good', async () => {
    const { hub, runtime, warnings, login } = await start({
      token: (request, response) => {
        const isGood = request.headers.authorization === `Bearer ${TOKEN}_new`
        if (isGood) reply(response, 200, JSON.stringify(hub.ticket))
        else reply(response, 401)
      },
    })
    const suspended = () => expect(runtime.sync.link.state).toBe('suspended')
    await runtime.sync.start()
    await vi.waitFor(suspended, { timeout: 20_000 })
    login(`${TOKEN}_bad`)
    await vi.waitFor(() => expect(hub.tokenRequests).toHaveLength(2), { timeout: 20_000 })
    await vi.waitFor(suspended, { timeout: 20_000 })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^NOT_AUTHENTICATED: .*`kittiwake auth login`/)
    login(`${TOKEN}_new`)
    await vi.waitFor(() => expect(runtime.sync.link.state).toBe('live'), { timeout: 20_000 })
  })

  it('ends at a hub of another protocol, whose guidance is said and no event blamed', async () => {
    const upgrade_guidance = 'Install version 9.'
    const { runtime, warnings, states } = await start({
      upgrade: (socket) => socket.destroy(),
      health: (response) => reply(response, 200, healthOf()),
      batch: (_batch, response) => {
        reply(response, 412, JSON.stringify({ sync_protocol: { upgrade_guidance } }))
      },
    })
    await emit(runtime, 3)
    await runtime.sync.start()
    await vi.waitFor(() => expect(runtime.sync.link.state).toBe('suspended'), { timeout: 20_000 })
    expect(runtime.sync.link.reason).toBe('PROTOCOL_MISMATCH')
    expect(warnings).toEqual([expect.stringContaining(`The hub says: ${upgrade_guidance}`)])
    expect(new Set(states())).not.toContain('quarantined')
  })
})
