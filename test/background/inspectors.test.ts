/** Looking at the machines of the background process over its control socket. */
import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ControlServer } from '#dist/background/control-server.js'
import { BackgroundFollower } from '#dist/background/inspect-client.js'
import { Inspectors } from '#dist/background/inspectors.js'
import { makePlaces, type Places, placesOf } from '#dist/background/places.js'
import type { Unnumbered } from '#dist/inspect/feed-message.js'
import { FEED_MESSAGE } from '#dist/inspect/protocol.js'
import { draftNote } from '../support/drafts.ts'
import { RuntimeWorld } from '../support/runtime-world.ts'

async function open(world: RuntimeWorld) {
  const places = placesOf(world.state)
  makePlaces(places)
  const inspectors = new Inspectors()
  const serve = async (): Promise<ControlServer> => {
    const server = new ControlServer(places.control, (request, socket) =>
      request.type === 'inspect' ? inspectors.take(request, socket) : null,
    )
    await server.listen()
    onTestFinished(() => server.destroy())
    return server
  }
  return { places, inspectors, serve, server: await serve() }
}

function follow(places: Places, request: { project: string | null; send: boolean }) {
  const told: Unnumbered[] = []
  const follower = new BackgroundFollower(places, request, (message) => told.push(message))
  onTestFinished(() => follower.stop())
  return { told, follower }
}

const typesOf = (told: readonly Unnumbered[]) => told.map(({ type }) => type)
const namesOf = (told: readonly Unnumbered[]) =>
  told.flatMap((one) => (one.type === '@xstate.actor' ? [one.name] : []))

describe('an inspector of the background process', () => {
  it('is told of the runtimes that are open and of those that come, until they go, and of the next process', async () => {
    const world = await RuntimeWorld.withProject()
    const { places, inspectors, serve, server } = await open(world)
    const first = await world.open()
    const detach = inspectors.attach('one', first)
    expect(inspectors.areThere).toBe(false)
    const { told } = follow(places, { project: null, send: false })
    await vi.waitFor(() => expect(namesOf(told)).toContain('store'))
    expect(inspectors.areThere).toBe(true)
    const second = await world.open()
    inspectors.attach('two', second)
    await second.emit(draftNote('a note'))
    await vi.waitFor(() => expect(typesOf(told)).toContain('kittiwake.fate'))
    const posted = told.find(({ type }) => type === 'kittiwake.message')
    expect(posted).toMatchObject({ to: expect.stringMatching(/\/store\.2$/) })
    for (const message of told) FEED_MESSAGE.parse({ ...message, seq: 1 })
    await first.stop()
    detach()
    server.destroy()
    await vi.waitFor(() =>
      expect(told.at(-1)).toMatchObject({ type: 'kittiwake.ended', reason: 'gone' }),
    )
    await vi.waitFor(() => expect(inspectors.areThere).toBe(false))
    const { length } = told
    await second.emit(draftNote('a note'))
    await serve()
    await vi.waitFor(() => expect(namesOf(told.slice(length))).toContain('store'), 5_000)
    // Of the first one, which is gone, nothing is told again.
    expect(namesOf(told.slice(length)).filter((name) => name === 'store')).toHaveLength(1)
  })

  it('of one project is told of no other', async () => {
    const world = await RuntimeWorld.withProject()
    const { places, inspectors } = await open(world)
    const runtime = await world.open()
    inspectors.attach('one', runtime)
    const one = follow(places, { project: 'one', send: false }).told
    const other = follow(places, { project: 'other', send: false }).told
    await vi.waitFor(() => expect(namesOf(one)).toContain('store'))
    await runtime.emit(draftNote('a note'))
    await vi.waitFor(() => expect(typesOf(one)).toContain('kittiwake.fate'))
    expect(other).toEqual([])
  })

  it('may send events to actors where it said that it would, and is shown out where it did not', async () => {
    const world = await RuntimeWorld.withProject()
    const { places, inspectors } = await open(world)
    const runtime = await world.open()
    inspectors.attach('one', runtime)
    const { told, follower } = follow(places, { project: null, send: true })
    await vi.waitFor(() => expect(namesOf(told)).toContain('supervisor'))
    const root = told.find((one) => one.type === '@xstate.actor' && one.name === 'supervisor')
    const key = root?.type === '@xstate.actor' ? root.sessionId : ''
    const note = 'quill@mail.example'
    const mailboxes: unknown[] = []
    runtime.inspect((one) => one.type === '@xstate.event' && mailboxes.push(one.event))
    follower.send(key, { type: 'supervisor.workerStopped', note } as { type: string })
    const isIt = (one: Unnumbered): boolean =>
      one.type === '@xstate.event' && one.event.type === 'supervisor.workerStopped'
    await vi.waitFor(() => expect(told.some(isIt)).toBe(true))
    expect(JSON.stringify(told)).not.toContain(note)
    expect(mailboxes).toContainEqual({ type: 'supervisor.workerStopped', note: '<email>' })
    // Kept for the machines, and of nobody: neither comes in, and nobody is harmed.
    follower.send(key, { type: 'thread.crashed' })
    follower.send('nobody', { type: 'connection.login' })
    await runtime.emit(draftNote('a note'))
    await vi.waitFor(() => expect(typesOf(told)).toContain('kittiwake.fate'))
    expect(
      told.some((one) => one.type === '@xstate.event' && one.event.type === 'thread.crashed'),
    ).toBe(false)

    const silent = follow(places, { project: null, send: false })
    await vi.waitFor(() => expect(namesOf(silent.told)).toContain('supervisor'))
    silent.follower.send(key, { type: 'supervisor.workerStopped' })
    await vi.waitFor(() => expect(typesOf(silent.told)).toContain('kittiwake.ended'))
  })

  it('is refused where there are enough, or where it says what nobody understands', async () => {
    const world = await RuntimeWorld.withProject()
    const { places, inspectors } = await open(world)
    const say = async (...lines: string[]): Promise<string> => {
      const socket = connect(places.control)
      onTestFinished(() => void socket.destroy())
      socket.setEncoding('utf8')
      socket.write(lines.map((line) => `${line}\n`).join(''))
      const [text] = await once(socket, 'data')
      return String(text)
    }
    const request = JSON.stringify({ type: 'inspect', project: null, send: false })
    for (let at = 0; at < 4; at += 1) expect(JSON.parse(await say(request))).toEqual({ ok: true })
    expect(JSON.parse(await say(request))).toMatchObject({ error: { code: 'INSPECTORS_MAX' } })
    expect(JSON.parse(await say('{"type":"inspect"}'))).toMatchObject({
      error: { code: 'CONTROL_INVALID' },
    })
    expect(inspectors.areThere).toBe(true)
  })
})
