/** Details of the moment: the chosen actor's context, the message, or an event's fate. */
import type { JsonObject } from '../../../contracts/json/json.ts'
import type { Inspector, Side } from '../inspector.ts'
import type { Entry } from '../model/entry.ts'
import { diffLines, type DiffLine, hasChanged } from '../model/diff.ts'
import { summarize } from '../model/summary.ts'
import { clockTime, count, duration, visible } from '../../../page/text.ts'
import { FateSide } from './fate-side.tsx'

const SIDES: readonly { readonly side: Side; readonly label: string }[] = [
  { side: 'context', label: 'Context' },
  { side: 'message', label: 'Message' },
  { side: 'fate', label: 'Fate' },
]

export function SidePane({ inspector }: { readonly inspector: Inspector }) {
  const { side } = inspector.view
  return (
    <section class="pane side" aria-label="Details">
      <div class="pane-head" role="tablist">
        {SIDES.map((one) => (
          <button
            key={one.side}
            type="button"
            class="tab"
            role="tab"
            aria-selected={one.side === side}
            onClick={() => inspector.show({ side: one.side })}
          >
            {one.label}
          </button>
        ))}
      </div>
      <div class="scroll side-body" tabIndex={0} role="tabpanel">
        {side === 'context' ? <ContextSide inspector={inspector} /> : null}
        {side === 'message' ? <MessageSide inspector={inspector} /> : null}
        {side === 'fate' ? <FateSide inspector={inspector} /> : null}
      </div>
    </section>
  )
}

function ContextSide({ inspector }: { readonly inspector: Inspector }) {
  const actor = inspector.history.actor(inspector.view.actor)
  const moment = actor?.moment(inspector.now) ?? null
  if (actor === undefined) return <p class="empty">Choose an actor on the left.</p>
  if (moment === null)
    return <p class="empty">{visible(actor.first.message.name)} was not yet there.</p>
  // A flight recorder keeps no context: that is no change.
  const lines = diffLines(
    moment.context ?? {},
    moment.context === undefined ? undefined : moment.contextBefore,
  )
  return (
    <>
      <h3>{visible(actor.first.message.name)}</h3>
      <p class="faint">
        as of {clockTime(moment.snapshot.message.createdAt)}
        {moment.contextBefore === undefined
          ? ', its first'
          : hasChanged(lines)
            ? ', with what changed since the snapshot before'
            : ', as in the snapshot before'}
      </p>
      {lines.length === 0 ? (
        <p class="faint">No context is shown of it.</p>
      ) : (
        <Lines lines={lines} />
      )}
      <p class="mono wrap faint small">{visible(actor.id)}</p>
    </>
  )
}

function MessageSide({ inspector }: { readonly inspector: Inspector }) {
  const entry = inspector.focused
  if (entry === undefined) return <p class="empty">Nothing was told yet.</p>
  const { word, who, text } = summarize(entry, inspector.history)
  const { type, seq, createdAt, process, thread } = entry.message
  const latency = entry.message.type === 'kittiwake.message' ? entry.message.latency : undefined
  return (
    <>
      <h3>
        {word} · {who}
      </h3>
      <p class="wrap">{text}</p>
      <p class="faint mono small wrap">
        {visible(type)} #{count(seq)} · {clockTime(createdAt)} · {visible(process)}/
        {visible(thread)}
      </p>
      {latency === undefined ? null : <Latency latency={latency} />}
      <Lines lines={diffLines(ownOf(entry))} />
    </>
  )
}

const STAMP = new Set(['type', 'seq', 'createdAt', 'mono', 'process', 'thread'])

function ownOf({ message }: Entry): JsonObject {
  return Object.fromEntries(Object.entries(message).filter(([key]) => !STAMP.has(key)))
}

type LatencyProps = {
  readonly latency: {
    readonly queuedMs?: number | undefined
    readonly handledMs?: number | undefined
    readonly returnedMs?: number | undefined
    readonly totalMs: number
  }
}

function Latency({ latency }: LatencyProps) {
  const parts = [
    { name: 'waited', ms: latency.queuedMs },
    { name: 'worked', ms: latency.handledMs },
    { name: 'came back', ms: latency.returnedMs },
  ]
  const sum = Math.max(
    0.001,
    parts.reduce((total, { ms = 0 }) => total + ms, 0),
  )
  return (
    <div class="latency">
      <div class="latency-bar" aria-hidden="true">
        {parts.map(({ name, ms = 0 }) => (
          <span
            key={name}
            class={name.replace(' ', '-')}
            style={{ width: `${(ms / sum) * 100}%` }}
          />
        ))}
      </div>
      <dl class="facts">
        {parts.map(({ name, ms }) =>
          ms === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{duration(ms)}</dd>
            </div>
          ),
        )}
        <div>
          <dt>in all</dt>
          <dd>{duration(latency.totalMs)}</dd>
        </div>
      </dl>
    </div>
  )
}

function Lines({ lines }: { readonly lines: readonly DiffLine[] }) {
  return (
    <div class="lines" role="list">
      {lines.map(({ path, depth, key, text, kind, change, before }) => (
        <div key={path} class={`line ${change}`} role="listitem">
          <span class="sign" aria-label={change === 'same' ? undefined : change}>
            {SIGNS[change]}
          </span>
          <span class="key" style={{ paddingLeft: `${depth * 12}px` }}>
            {key}
          </span>
          <span class={`value ${kind}`}>
            {before === null ? null : <del>{before}</del>}
            {change === 'removed' ? <del>{text}</del> : text}
          </span>
        </div>
      ))}
    </div>
  )
}

const SIGNS = { same: '', added: '+', removed: '−', changed: '±' }
