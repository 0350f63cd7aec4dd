import { describe, expect, it } from 'vitest'
import { batchOf, frameOf, newEvent, openLink, postBatch, startHub } from './support.ts'

const SAMPLE = /^[a-z_]+(?:\{[a-z]+="[^"\\]+"\})? (?:\d+(?:\.\d+)?(?:e-\d+)?)$/

describe('/metrics', () => {
  it('counts what came in and what became of it, in the text that Prometheus reads', async () => {
    const { hub, token } = await startHub()
    const [event, conflict] = [newEvent(), newEvent()]
    const link = await openLink(hub, token)
    link.send(frameOf(event), frameOf(event), '{')
    link.send(batchOf(1, [conflict, { ...conflict, lamport_clock: 9 }, { ...event, payload: 1 }]))
    await link.take(4)
    await postBatch(hub, token, { events: [newEvent(), newEvent()] })
    const response = await fetch(`${hub.url}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const text = await response.text()
    const lines = text.trimEnd().split('\n')
    const samples = lines.filter((line) => !line.startsWith('#'))
    expect(samples.filter((line) => !SAMPLE.test(line) && !line.includes('+Inf'))).toEqual([])
    const values = Object.fromEntries(
      samples.map((line) => [
        line.slice('kittiwake_hub_'.length, line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' '))),
      ]),
    )
    expect(values).toMatchObject({
      'received_total{outcome="accepted"}': 4,
      'received_total{outcome="duplicate"}': 1,
      'received_total{outcome="rejected"}': 2,
      'rejected_total{category="invalid_frame"}': 1,
      'rejected_total{category="event_id_conflict"}': 1,
      'rejected_total{category="invalid_event"}': 1,
      'requests_total{status="200"}': 2,
      'batch_events_bucket{le="2"}': 1,
      'batch_events_bucket{le="5"}': 2,
      'batch_events_bucket{le="+Inf"}': 2,
      batch_events_sum: 5,
      batch_events_count: 2,
      connections: 1,
      subscriptions: 0,
      batches: 0,
      intake_bytes: 0,
    })
    expect(values['transaction_seconds_count']).toBeGreaterThan(0)
    expect(values['answer_seconds_count']).toBeGreaterThanOrEqual(5)
    expect(values['memory_bytes']).toBeGreaterThan(1024 * 1024)
    // Each figure says what it is, once.
    const named = lines
      .filter((line) => line.startsWith('# TYPE '))
      .map((line) => line.split(' ')[2])
    expect(new Set(named).size).toBe(named.length)
  })

  it('names no team, user, project, event, node or secret', async () => {
    const { hub, token } = await startHub()
    const event = newEvent()
    await postBatch(hub, token, { events: [event] })
    await openLink(hub, token)
    const text = await (await fetch(`${hub.url}/metrics`)).text()
    const names = ['acme', 'sam', event.project_uuid, event.event_id, '0123456789ab', token, 'tok_']
    for (const name of names) expect(text).not.toContain(name)
  })
})
