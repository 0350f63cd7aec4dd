/** What is written of one state: what it does, what it invokes, and where each event leads. */
import { useState } from 'preact/hooks'
import { transitionLabel } from '../../transition-label.ts'
import type { Inspector } from '../inspector.ts'
import type { ChartState } from '../model/chart.ts'
import { lastPart } from '../model/summary.ts'
import { visible } from '../../../page/text.ts'

type StateCardProps = {
  readonly inspector: Inspector
  readonly actor: string
  readonly state: ChartState
}

export function StateCard({ inspector, actor, state }: StateCardProps) {
  const { node, id } = state
  if (node === undefined) return null
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ['on entry', node.entry],
    ['on exit', node.exit],
    ['invokes', node.invoke.map(({ src, id: name }) => (src === name ? src : `${src} as ${name}`))],
    ['tags', node.tags],
  ]
  return (
    <aside class="card" aria-label={`State ${visible(id)}`}>
      <header>
        <b>{visible(id)}</b>
        <span class="faint">
          {node.type}
          {node.history === undefined ? '' : `, ${node.history}`}
          {state.isActive ? ', active' : ''}
        </span>
        <button
          type="button"
          class="quiet"
          aria-label="Close"
          title="Close (Esc)"
          onClick={() => inspector.show({ stateId: null })}
        >
          ✕
        </button>
      </header>
      <dl>
        {lists
          .filter(([, items]) => items.length > 0)
          .map(([name, items]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{visible(items.join(', '))}</dd>
            </div>
          ))}
      </dl>
      {node.transitions.length === 0 ? <p class="faint">No transition of its own.</p> : null}
      <ul>
        {node.transitions.map((transition) => (
          <li key={transition.id}>
            <span class="mono">{visible(transitionLabel(transition))}</span>
            <span class="faint">
              {' '}
              {transition.targets.length === 0
                ? 'stays'
                : `→ ${visible(transition.targets.map(lastPart).join(', '))}`}
            </span>
            {transition.actions.length === 0 ? null : (
              <span class="faint"> / {visible(transition.actions.join(', '))}</span>
            )}
            {inspector.welcome?.allowSend === true &&
            transition.kind === 'event' &&
            transition.event !== '' ? (
              <SendButton inspector={inspector} actor={actor} type={transition.event} />
            ) : null}
          </li>
        ))}
      </ul>
    </aside>
  )
}

function SendButton({
  inspector,
  actor,
  type,
}: {
  readonly inspector: Inspector
  readonly actor: string
  readonly type: string
}) {
  const [said, setSaid] = useState('')
  const send = async () => {
    const answer = await inspector.send(actor, { type })
    setSaid(answer === null ? 'no link' : answer.ok ? 'sent' : answer.error.message)
  }
  return (
    <>
      <button type="button" class="small" onClick={() => void send()}>
        Send
      </button>
      <span class="faint" role="status">
        {visible(said)}
      </span>
    </>
  )
}
