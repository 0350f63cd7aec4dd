/** Holds a fault of one pane within it, so that the rest goes on. */
import { Component, type ComponentChildren } from 'preact'

type Props = { readonly name: string; readonly children: ComponentChildren }

export class SafePane extends Component<Props, { readonly hasFailed: boolean }> {
  override state = { hasFailed: false }

  override componentDidCatch(error: unknown): void {
    console.error(error)
    this.setState({ hasFailed: true })
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children
    return (
      <p class="empty alarm" role="alert">
        The {this.props.name} could not be shown.{' '}
        <button type="button" onClick={() => this.setState({ hasFailed: false })}>
          Try again
        </button>
      </p>
    )
  }
}
