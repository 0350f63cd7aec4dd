/** What is told of a running runtime: whole, in order, paired, and nothing that may not be shown. */
import { randomBytes } from 'node:crypto'
import { homedir, hostname, userInfo } from 'node:os'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createActor, fromCallback } from 'xstate'
import type { Runtime } from 'kittiwake'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { createSanitizer } from '#dist/events/sanitize.js'
import type { Unnumbered } from '#dist/inspect/feed-message.js'
import { FEED_MESSAGE, type FeedMessage } from '#dist/inspect/protocol.js'
import { createShower } from '#dist/inspect/shown.js'
import { openTrace } from '#dist/inspect/trace-file.js'
import { TraceWriter } from '#dist/inspect/trace-writer.js'
import { startHub } from '../hub/support.ts'
import { draftNote } from '../support/drafts.ts'
import { RuntimeWorld } from '../support/runtime-world.ts'

type Of<Type> = Extract<FeedMessage, { readonly type: Type }>

class Told {
  readonly all: FeedMessage[] = []

  readonly tell = (message: Unnumbered): void => {
    // As it is now: what is told must not change later.
    this.all.push(
      JSON.parse(JSON.stringify({ ...message, seq: this.all.length + 1 })) as FeedMessage,
    )
  }

  of<Type extends FeedMessage['type']>(type: Type): Of<Type>[] {
    return this.all.filter((one): one is Of<Type> => one.type === type)
  }

  name(key: string): string {
    return this.of('@xstate.actor').find(({ sessionId }) => sessionId === key)?.name ?? key
  }
}

async function watch(runtime: Runtime): Promise<Told> {
  const told = new Told()
  const following = await runtime.follow(told.tell)
  onTestFinished(() => following.stop())
  return told
}

describe('the life of a runtime', () => {
  it('is told by messages of the protocol: actors, steps, threads, fates and figures', async () => {
    const world = new RuntimeWorld()
    await world.init()
    const mission = await world.createMission('harbour')
    const hub = await startHub()
    world.login(hub)
    const runtime = await world.open()
    await runtime.emit(draftNote('before anybody looks'))
    const told = await watch(runtime)
    const { event_id } = await runtime.emit(draftNote('while somebody looks'))
    await runtime.sync.optIn()
    await runtime.sync.start()
    const { decision_id } = await runtime.decisions.request({ mission, question: 'Which?' })
    const { event_id: answerId, commit } = await runtime.decisions.answer({
      mission,
      decision_id,
      answer: 'A',
    })
    const stagesOf = (id: string) =>
      told
        .of('kittiwake.fate')
        .filter(({ eventId }) => eventId === id)
        .map(({ stage }) => stage)
    await vi.waitFor(() => {
      expect(stagesOf(event_id)).toEqual(['stored', 'sent', 'acknowledged'])
      expect(stagesOf(answerId)).toEqual(['stored', 'committed', 'sent', 'acknowledged'])
      expect(told.of('kittiwake.figures').length).toBeGreaterThan(0)
    }, 10_000)
    runtime.system.workers.git.send({ type: 'thread.crashed', code: 'TEST', message: 'test' })
    await runtime.heal()
    await runtime.stop()

    for (const message of told.all) expect(FEED_MESSAGE.parse(message)).toEqual(message)
    const committed = told.of('kittiwake.fate').find(({ stage }) => stage === 'committed')
    expect(committed?.commit).toBe(commit)
    const sent = told
      .of('kittiwake.fate')
      .find(({ eventId, stage }) => eventId === event_id && stage === 'sent')
    expect(sent?.happenedMono).toBeLessThan(sent?.mono ?? 0)

    // Each is told before what is said of it, its machine before it, its parent before its children.
    const known = new Set<string>()
    const machines = new Set<string>()
    for (const message of told.all) {
      if (message.type === 'kittiwake.machine') machines.add(message.hash)
      if (message.type === '@xstate.actor') {
        if (message.machine !== null) expect(machines).toContain(message.machine)
        if (message.parentId !== null) expect(known).toContain(message.parentId)
        known.add(message.sessionId)
      } else if ('sessionId' in message) expect(known).toContain(message.sessionId)
    }
    const names = told.of('@xstate.actor').map(({ name }) => name)
    for (const name of [
      'supervisor',
      'store',
      'git',
      'socket',
      'connection',
      'drain.events',
      'desk.store',
    ]) {
      expect(names).toContain(name)
    }
    // States follow each other as the machine says.
    const steps = told
      .of('@xstate.microstep')
      .filter(({ sessionId }) => told.name(sessionId) === 'connection')
    const places = steps.flatMap(({ transitions }) => transitions).map(({ source }) => source)
    expect(places).toEqual(
      expect.arrayContaining([
        'connection.offline',
        'connection.reaching.authenticating',
        'connection.reaching.connecting',
      ]),
    )
    const live = told
      .of('@xstate.snapshot')
      .filter(
        ({ sessionId, snapshot }) =>
          told.name(sessionId) === 'connection' && JSON.stringify(snapshot.value).includes('live'),
      )
    expect(live.length).toBeGreaterThan(0)
    expect(live[0]?.snapshot.context).toMatchObject({ isWanted: true, attempts: 0 })
  })

  it('has each answer beside its command, with the time that each thread took', async () => {
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open()
    const told = await watch(runtime)
    const receipts = await Promise.all(['a', 'b', 'c'].map((text) => runtime.emit(draftNote(text))))
    await runtime.sync.optIn()
    await runtime.stop()
    const messages = told.of('kittiwake.message')
    const posted = messages.filter(({ phase }) => phase === 'posted')
    const answered = messages.filter(({ phase }) => phase === 'answered')
    expect(answered.map(({ id }) => id)).toEqual(posted.map(({ id }) => id))
    expect(posted[0]).toMatchObject({
      name: 'store.append',
      from: expect.stringMatching(/\/main$/),
      to: expect.stringMatching(/\/store$/),
    })
    expect(posted[0]?.eventIds).toEqual(receipts.map(({ event_id }) => event_id))
    for (const { latency } of answered) {
      if (latency === undefined) throw new Error('no latency')
      const { queuedMs = 0, handledMs = 0, returnedMs = 0, totalMs } = latency
      expect(Math.abs(queuedMs + handledMs + returnedMs - totalMs)).toBeLessThan(1)
    }
    // Events come in order, and each has its snapshot.
    const store = told.of('@xstate.actor').find(({ name }) => name === 'store')
    const events = told
      .of('@xstate.event')
      .filter(({ sessionId }) => sessionId === store?.sessionId)
    const snapshots = told
      .of('@xstate.snapshot')
      .filter(({ sessionId }) => sessionId === store?.sessionId)
    // The last one tells that its parent has ended it, for which there is no event.
    expect(snapshots.at(-1)?.snapshot.status).toBe('stopped')
    const types = snapshots.slice(0, -1).map(({ event }) => event.type)
    expect(types).toEqual(events.map(({ event }) => event.type))
    expect(told.of('kittiwake.sampled')).toEqual([])
  })

  it('goes on after a thread has died: what is asked again has its first id, and the restart is counted', async () => {
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open()
    await runtime.emit(draftNote('the thread is up'))
    const told = await watch(runtime)
    const emitting = runtime.emit(draftNote('asked twice'))
    await vi.waitFor(() => expect(told.of('kittiwake.message').length).toBeGreaterThan(0), {
      interval: 1,
    })
    runtime.system.workers.store.send({ type: 'thread.crashed', code: 'TEST', message: 'test' })
    await emitting
    await runtime.emit(draftNote('asked once'))
    // Once a second, so that the first figures may be of the time before the thread came back.
    const storeNow = (): object | undefined =>
      told
        .of('kittiwake.figures')
        .at(-1)
        ?.threads.find(({ thread }) => thread === 'store')
    const after = { restarts: 1, state: 'ready', unanswered: 0 }
    await vi.waitFor(() => expect(storeNow()).toMatchObject(after), 10_000)
    const store = told
      .of('kittiwake.message')
      .filter(({ from, to }) => [from, to].some((one) => one.endsWith('/store')))
    expect(store.map(({ phase, name }) => [phase, name])).toContainEqual(['crashed', 'TEST'])
    const open = new Set(store.filter(({ phase }) => phase === 'posted').map(({ id }) => id))
    const closed = new Set(store.filter(({ phase }) => phase === 'answered').map(({ id }) => id))
    expect(closed).toEqual(open)
  })

  it('leaves out whole steps where there are too many, says how many, and keeps every last state', async () => {
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open()
    await runtime.emit(draftNote('the thread is up'))
    const told = await watch(runtime)
    const count = 1_500
    // One after the other, so that each is a command of its own.
    const { store } = runtime.system.workers
    for (let at = 0; at < count; at += 1)
      store.send({
        type: 'thread.reported',
        fact: { type: 'store.warned', code: 'TEST', message: 'test' },
      })
    await vi.waitFor(() => expect(told.of('kittiwake.sampled').length).toBeGreaterThan(0), 3_000)
    await vi.waitFor(() => {
      const leftOut = told
        .of('kittiwake.sampled')
        .reduce((sum, one) => sum + (one.byType['@xstate.event'] ?? 0), 0)
      const events = told
        .of('@xstate.event')
        .filter(({ event }) => event.type === 'thread.reported')
      expect(events.length + leftOut).toBe(count)
    }, 3_000)
    const sampled = told.of('kittiwake.sampled')
    expect(sampled.some(({ byType }) => (byType['@xstate.event'] ?? 0) > 0)).toBe(true)
    for (const one of sampled) {
      expect(Object.values(one.byType).reduce((sum, each) => sum + each, 0)).toBe(one.leftOut)
      expect(one.toMono).toBeGreaterThanOrEqual(one.fromMono)
    }
    // Nothing of a step that was begun is missing.
    const events = told
      .of('@xstate.event')
      .filter(({ event }) => event.type === 'thread.reported').length
    const steps = told
      .of('@xstate.microstep')
      .filter(({ event }) => event.type === 'thread.reported').length
    expect(steps).toBe(events)
    const last = told.of('@xstate.snapshot').at(-1)
    expect(last?.snapshot.value).toEqual({ running: 'ready' })
  })

  it('costs nothing once nobody looks any more', async () => {
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open()
    const told = new Told()
    const following = await runtime.follow(told.tell)
    await runtime.emit(draftNote('a'))
    following.stop()
    const { length } = told.all
    expect(length).toBeGreaterThan(10)
    await runtime.emit(draftNote('b'))
    await runtime.stop()
    expect(told.all.length).toBe(length)
  })
})

const CANARY = {
  email: 'quill.sandpiper@mail.example',
  token: `ghp_${randomBytes(18).toString('hex')}`,
  path: '/home/wrencove4471/secret/plan.txt',
  url: 'https://quill:hunter2hunter2@hub.example/x',
}

/** What others might word: markup, terminals, text that runs backwards, persons, and shapes that have no end. */
function zoo(): Record<string, unknown> {
  const endless: Record<string, unknown> = { name: 'endless' }
  endless['self'] = endless
  return {
    type: 'zoo.came',
    markup: '<script>alert(1)</script><img src=x onerror=alert(1)>',
    terminal: '\u001b[31mred\u001b[0m \u0007\u009b2J \u001b]8;;https://x\u0007link',
    backwards: 'abc\u202edef\u2066ghi\u200bjkl\ufeff',
    lone: '\ud800 and \udfff',
    [`key ${CANARY.email}`]: { deeper: [CANARY.token, CANARY.path, CANARY.url] },
    long: 'x'.repeat(100_000),
    many: Array.from({ length: 1_000 }, (_, at) => at),
    wide: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`key${at}`, at])),
    endless,
    run: () => CANARY.email,
    map: new Map([[CANARY.email, CANARY.token]]),
    error: new Error(CANARY.path),
    nan: Number.NaN,
    big: 2n ** 70n,
    symbol: Symbol(CANARY.email),
    origin: 'https://origin.example',
    team_slug: 'acme',
    ['__proto__']: { polluted: true },
  }
}

describe('the zoo (L4)', () => {
  it('is harmless in every message, and in a trace', async () => {
    const world = await RuntimeWorld.withProject()
    const runtime = await world.open()
    const told = await watch(runtime)
    const file = join(world.home, 'zoo.ndjson')
    const writer = await TraceWriter.create(file)
    const following = await runtime.follow((message) => writer.tell(message))
    const cage = runtime.system.spawn(
      fromCallback(() => undefined),
      'cage',
      undefined,
    )
    cage.send(zoo() as { type: string })
    cage.send({ type: `zoo ${CANARY.email} <b>` })
    await runtime.emit(draftNote(String(zoo()['markup'])))
    await runtime.emit(draftNote(`${String(zoo()['terminal'])} ${CANARY.email}`))
    following.stop()
    await writer.close()
    const text = readFileSync(file, 'utf8')
    for (const shown of [text, told.all.map((one) => JSON.stringify(one)).join('\n')]) {
      const machine = [hostname(), userInfo().username, homedir(), world.root, world.home]
      for (const word of [
        ...Object.values(CANARY),
        ...machine.filter(({ length }) => length > 5),
        'origin.example',
        'acme',
      ]) {
        expect(shown.includes(word) ? word : null).toBeNull()
      }
      // Markup is text; nothing is left of what is more than text.
      expect(shown.includes('<script>alert(1)')).toBe(true)
      expect(shown).not.toMatch(
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/,
      )
      expect(shown).not.toMatch(/\\u(?:00[01]|00[89]|20[26]|d[89a-f])/i)
      expect(shown).toContain('\\\\u{202e}')
    }
    const came = told.of('@xstate.event').find(({ event }) => event.type === 'zoo.came')
    expect(JSON.stringify(came).length).toBeLessThan(8_000)
    expect(came?.event).toMatchObject({
      nan: 'NaN',
      big: '1180591620717411303424',
      map: { '…': 'Map' },
      error: { name: 'Error' },
    })
    expect(came?.event['many']).toHaveLength(21)
    expect({}).not.toHaveProperty('polluted')
    expect(openTrace(file).feed.lastSeq).toBeGreaterThan(10)
  })

  it('whatever else comes of a value, it is cut, plain and clean', () => {
    const shower = createShower(createSanitizer(NO_IDENTITY), () => 'an actor')
    const cage = createActor(fromCallback(() => undefined))
    expect(shower.event(eventOf({ type: 'x', cage }))).toEqual({ type: 'x', cage: 'an actor' })
    expect(shower.value(undefined)).toBeUndefined()
    expect(shower.value(`${'é'.repeat(299)}😀${'z'.repeat(9)}`)).toContain('…(10 more)')
    expect(
      shower.event(
        eventOf({
          type: 'store.ask',
          command: { type: 'store.append', events: ['{"a":1}', 'no json', 7] },
        }),
      ),
    ).toEqual({
      type: 'store.ask',
      command: { type: 'store.append', events: [{ a: 1 }, 'no json', 7] },
    })
  })
})

/** As XState has it: it knows of no more than the type. */
function eventOf<Value extends { readonly type: string }>(value: Value): { type: string } {
  return value
}
