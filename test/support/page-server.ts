/** The inspector's server with what a test wants shown. */
import { onTestFinished } from 'vitest'
import { Drawings } from '#dist/inspect/drawing.js'
import { Feed } from '#dist/inspect/feed.js'
import type { FeedMessage } from '#dist/inspect/protocol.js'
import { InspectServer } from '#dist/inspect/server/inspect-server.js'
import { openTrace } from '#dist/inspect/trace-file.js'
import { SAMPLE, sampleMessages } from './feed-messages.ts'

type Shown = Parameters<typeof InspectServer.start>[0]['shown']

export async function serveFeed(shown: Partial<Shown> & Pick<Shown, 'feed'>) {
  const nothing = { drawings: new Drawings(), trace: null, fate: null, send: null }
  const server = await InspectServer.start({ shown: { ...nothing, ...shown } })
  onTestFinished(() => server.stop())
  return server
}

export function serveSample() {
  const { header, feed } = openTrace(SAMPLE)
  return serveFeed({ feed, trace: header })
}

export function serve(messages: readonly FeedMessage[]) {
  const { header } = openTrace(SAMPLE)
  const feed = new Feed({ messagesMax: Number.POSITIVE_INFINITY })
  for (const message of messages) feed.add(message, JSON.stringify(message))
  return serveFeed({ feed, trace: header })
}

export function tellAll(feed: Feed, messages: readonly FeedMessage[]): void {
  for (const { seq: _, ...message } of messages) feed.tell(message)
}

/** The sample over and over, one after the other in time. */
export function manyMessages(wanted: number): FeedMessage[] {
  const sample = sampleMessages().map(({ message }) => message)
  const [first, last] = [sample[0]?.mono ?? 0, sample.at(-1)?.mono ?? 0]
  return Array.from({ length: wanted }, (_, index) => {
    const message = sample[index % sample.length]
    if (message === undefined) throw new Error('the sample is empty')
    const round = Math.floor(index / sample.length)
    return { ...message, seq: index + 1, mono: message.mono + round * (last - first + 10) }
  })
}
