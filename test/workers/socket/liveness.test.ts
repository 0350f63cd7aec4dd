import { afterEach, describe, expect, it } from 'vitest'
import type { Link, LinkOptions } from '#dist/workers/socket/link.js'
import type { LinkLimits } from '#dist/workers/socket/limits.js'
import { Facts, ScriptedHub, eventItem, goLive, linkTo, range } from './scripted-hub.ts'

const open: { hub: ScriptedHub; link: Link }[] = []

async function live(limits: Partial<LinkLimits>, options: Partial<LinkOptions> = {}) {
  const hub = await ScriptedHub.start()
  const facts = new Facts()
  const link = linkTo(hub, facts, { ...options, limits })
  open.push({ hub, link })
  await goLive(link, facts)
  return { hub, facts, link }
}

afterEach(async () => {
  for (const { hub, link } of open.splice(0)) {
    await link.close()
    await hub.stop()
  }
})

describe('a hub that says nothing', () => {
  it('is asked, and counts as there as long as it answers', async () => {
    const { facts } = await live({ quietMs: 20, pongMs: 60_000 })
    await facts.next('socket.pinged')
    expect(await facts.next('socket.pinged')).toEqual({ type: 'socket.pinged', connection: 1 })
    expect(facts.count('socket.closed')).toBe(0)
  })

  it('and does not answer is given up, though it takes what is written', async () => {
    const { hub, facts, link } = await live({ quietMs: 20, pongMs: 50, ackMs: 60_000 })
    for (const socket of hub.sockets) socket.pause()
    const answer = link.deliver('events', 1, [eventItem(1)])
    expect(await facts.first('socket.closed')).toMatchObject({
      class: 'transient',
      reason: 'LINK_SILENT',
    })
    expect(await answer).toMatchObject({ unanswered: 1 })
  })

  it('is given up sooner where there is a reason to think that it is gone', async () => {
    const { hub, facts, link } = await live({ quietMs: 60_000, pongMs: 60_000, checkMs: 30 })
    expect(link.check()).toEqual({ type: 'socket.checking' })
    await facts.first('socket.pinged')
    for (const socket of hub.sockets) socket.pause()
    link.check()
    expect(await facts.first('socket.closed')).toMatchObject({ reason: 'LINK_SILENT' })
  })
})

describe('a hub that pings without end', () => {
  it('gets so many answers and no more, and none that it does not read', async () => {
    const at = 5_000
    const { hub, link } = await live({ pingsPerSecondMax: 10 }, { now: () => at })
    let pongs = 0
    hub.peer?.on('pong', () => (pongs += 1))
    for (const _ of range(500)) hub.peer?.ping()
    const asked = new Promise((resolve) => {
      hub.script = { frame: resolve }
    })
    void link.deliver('events', 1, [eventItem(1)])
    await asked
    expect([pongs, link.counts.floodedPings]).toEqual([10, 490])
  })

  it('reports no answer that nobody asked for', async () => {
    const { hub, facts } = await live({})
    for (const _ of range(50)) hub.peer?.pong()
    hub.send({ type: 'ping', timestamp: 'after them' })
    await facts.first('socket.pinged')
    expect(facts.count('socket.pinged')).toBe(1)
  })
})
