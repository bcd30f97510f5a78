"""The example that the project was described by works word for word, but for the name of the package."""

EXAMPLE = """
from typing import Optional
from pypipeline_engine.cell import ASingleCell, ACompositeCell, Pipeline
from pypipeline_engine.cellio import Output, Input
from pypipeline_engine.connection import Connection


class SourceCell(ASingleCell):

    def __init__(self, parent_cell: Optional[ACompositeCell], name: str):
        super(SourceCell, self).__init__(parent_cell, name=name)
        self.output_1: Output[int] = Output(cell=self, name="first_output")
        self.output_2: Output[int] = Output(cell=self, name="second_output")
        self._counter: int = 0

    def _on_pull(self) -> None:
        value_1 = self._counter
        value_2 = 1 if (self._counter % 2 == 0) else -1
        self.output_1.set_value(value_1)
        self.output_2.set_value(value_2)
        self._counter += 1


class MultiplierCell(ASingleCell):

    def __init__(self, parent_cell: Optional[ACompositeCell], name: str):
        super(MultiplierCell, self).__init__(parent_cell, name=name)
        # Note that we leave out the redundant `cell=` and `name=` keywords from here on...
        self.input_a: Input[int] = Input(self, "input_a")
        self.input_b: Input[int] = Input(self, "input_b")
        self.output: Output[int] = Output(self, "output")

    def _on_pull(self) -> None:
        value_a = self.input_a.pull()
        value_b = self.input_b.pull()
        result = value_a * value_b
        self.output.set_value(result)


class PrinterCell(ASingleCell):

    def __init__(self, parent_cell: Optional[ACompositeCell], name: str):
        super(PrinterCell, self).__init__(parent_cell, name=name)
        self.input: Input[int] = Input(self, "printer_input")

    def _on_pull(self) -> None:
        value = self.input.pull()
        print(value)


class MyPipeline(Pipeline):

    def __init__(self, parent_cell: Optional[ACompositeCell], name: str):
        super(MyPipeline, self).__init__(parent_cell, name=name)

        self.source = SourceCell(parent_cell=self, name="source")
        # Note that we leave out the redundant `parent_cell=` and `name=` keywords from here on...
        self.multiplier = MultiplierCell(self, "multiplier")
        self.printer = PrinterCell(self, "printer")

        Connection(self.source.output_1, self.multiplier.input_a)
        Connection(self.source.output_2, self.multiplier.input_b)
        Connection(self.multiplier.output, self.printer.input)


# Execution: 
pipeline = MyPipeline(parent_cell=None, name="my_pipeline")
pipeline.deploy()

for i in range(5):
    pipeline.pull()
"""  # noqa: W291  # the example is kept as it stands


def test_the_example_prints_what_it_should(capsys):
    names: dict = {"__name__": "example"}
    exec(compile(EXAMPLE, "example.py", "exec"), names)
    names["pipeline"].undeploy()
    assert capsys.readouterr().out == "0\n-1\n2\n-3\n4\n"
