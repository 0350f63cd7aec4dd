/** The chosen machine as a statechart: what is active is lit, what was just taken is drawn. */
import type { Drawing } from '../../client-protocol.ts'
import { stateText } from '../../../page/state-text.ts'
import type { Inspector } from '../inspector.ts'
import type { ActorTrack } from '../model/actor-track.ts'
import { lightChart } from '../model/chart.ts'
import type { Machine } from '../model/history.ts'
import { eventText, visible } from '../../../page/text.ts'
import { ChartDrawing } from './chart-drawing.tsx'
import { StateCard } from './state-card.tsx'
import { usePanZoom } from './use-pan-zoom.ts'

export function ChartPane({ inspector }: { readonly inspector: Inspector }) {
  const actor = inspector.history.actor(inspector.view.actor)
  const machine = inspector.history.machine(actor?.first.message.machine ?? null)
  if (actor === undefined) {
    return <p class="empty">Choose an actor on the left to see its machine.</p>
  }
  if (machine === undefined) {
    return (
      <p class="empty">
        {visible(actor.first.message.name)} is a callback: it has no states. What it was sent stands
        in the sequence (2) and in the timeline.
      </p>
    )
  }
  const drawing = inspector.drawing(machine.hash)
  if (drawing === 'waiting') return <p class="empty">The machine is being drawn …</p>
  if ('code' in drawing) {
    return (
      <p class="empty alarm" role="alert">
        The machine could not be drawn: {visible(drawing.message)} ({visible(drawing.code)}).{' '}
        {visible(drawing.hint ?? '')}
      </p>
    )
  }
  return (
    <Chart key={actor.id} inspector={inspector} actor={actor} machine={machine} drawing={drawing} />
  )
}

type ChartProps = {
  readonly inspector: Inspector
  readonly actor: ActorTrack
  readonly machine: Machine
  readonly drawing: Drawing
}

function Chart({ inspector, actor, machine, drawing }: ChartProps) {
  const moment = actor.moment(inspector.now)
  const children = inspector.history.childrenOf(actor.id, inspector.now)
  const chart = lightChart(machine, drawing, moment, children)
  const { box, placement, fit, zoom, handlers } = usePanZoom(machine.hash, drawing, chart.focus)
  const chosen = chart.states.find(({ id }) => id === inspector.view.stateId)
  const state = moment === null ? 'not yet there' : stateText(moment.value) || moment.status
  return (
    <div class="chart">
      <header class="chart-head">
        <h2>{visible(actor.first.message.name)}</h2>
        <span class="state-now" data-testid="state-now">
          {visible(state)}
        </span>
        {moment?.step === undefined ? null : (
          <span class="faint" title="The event of the transition that was taken last">
            by {eventText(moment.step.message.event.type)}
          </span>
        )}
        {machine.name === actor.first.message.name ? null : (
          <span class="faint">machine {visible(machine.name)}</span>
        )}
        <span class="tools">
          <button type="button" title="Farther (−)" aria-label="Farther" onClick={() => zoom(0.8)}>
            −
          </button>
          <button type="button" title="All of it (0)" onClick={fit}>
            Fit
          </button>
          <button type="button" title="Nearer (+)" aria-label="Nearer" onClick={() => zoom(1.25)}>
            +
          </button>
        </span>
      </header>
      <div
        ref={box}
        class="chart-box"
        tabIndex={0}
        aria-label={`Statechart of ${visible(actor.first.message.name)}: ${visible(state)}`}
        {...handlers}
        onKeyDown={({ key }) => {
          if (key === '+' || key === '=') zoom(1.25)
          else if (key === '-') zoom(0.8)
          else if (key === '0') fit()
        }}
      >
        <ChartDrawing
          chart={chart}
          placement={placement}
          step={moment?.step?.at ?? -1}
          chosen={inspector.view.stateId}
          onChoose={(stateId) => inspector.show({ stateId })}
          onActor={(id) => inspector.choose(id)}
        />
      </div>
      {chosen === undefined ? null : (
        <StateCard inspector={inspector} actor={actor.id} state={chosen} />
      )}
    </div>
  )
}
