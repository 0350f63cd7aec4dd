/** The page of figures: what was counted, and how things stand now. */
import type { Batches } from './http/batches.ts'
import type { Intake } from './intake.ts'
import type { Metrics } from './metrics.ts'
import type { Peer } from './links/peer.ts'

export type FigureSources = {
  readonly metrics: Metrics
  readonly batches: Batches
  readonly intake: Pick<Intake, 'bytes'>
  readonly peers: readonly Peer[]
}

export function figuresOf({ metrics, batches, intake, peers }: FigureSources): string {
  const { rss, heapUsed } = process.memoryUsage()
  return metrics.text({
    connections: { help: 'Open WebSockets', value: peers.length },
    subscriptions: { help: 'Followed projects', value: sum(peers.map((p) => p.following.size)) },
    batches: { help: 'HTTP batches under way', value: batches.count },
    intake_bytes: { help: 'Waiting for a transaction', value: intake.bytes },
    unread_bytes: {
      help: 'Waiting to be read by peers',
      value: sum(peers.map((p) => p.outflow.bytes)),
    },
    memory_bytes: { help: 'Resident memory', value: rss },
    heap_bytes: { help: 'Used heap', value: heapUsed },
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
