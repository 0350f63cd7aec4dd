import { expect, it } from 'vitest'
import { DEAD_STREAM, openNats } from '#dist/hub/nats/connect.js'
import { storedMessages } from '#dist/hub/nats/stored-messages.js'
import { describeNats, startNats } from './support.ts'

/** More than a page, which is 500. */
const MESSAGES = 700

describeNats('what a stream has', () => {
  it('is read to its end, each once, and an end that goes meanwhile is not waited for', async () => {
    const server = await startNats()
    const { connection, jetstream, manager } = await openNats({ servers: server.url })
    const read = async (look: (place: number) => Promise<unknown>): Promise<number[]> => {
      const places: number[] = []
      for await (const { seq } of storedMessages(await jetstream.consumers.get(DEAD_STREAM))) {
        places.push(seq)
        await look(seq)
      }
      return places
    }
    const all = Array.from({ length: MESSAGES }, (_, at) => at + 1)
    await Promise.all(all.map((at) => jetstream.publish(`dead.acme.-.${at}`, 'x')))
    expect(await read(async () => {})).toEqual(all)
    const half = all.slice(0, MESSAGES / 2)
    const purged = await read(async (seq) => {
      if (seq === half.length) await manager.streams.purge(DEAD_STREAM)
    })
    // What was on its way already still came.
    expect(purged.slice(0, half.length)).toEqual(half)
    expect(purged.length).toBeLessThan(MESSAGES)
    expect(await read(async () => {})).toEqual([])
    await connection.close()
  })
})
