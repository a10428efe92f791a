from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from napari_trsmi.widgets.common.unproxied import unproxied


def test_the_viewer_itself_comes_out():
    viewer = ViewerModel()
    layer = viewer.add_points([[0, 0]])
    proxy = PublicOnlyProxy(viewer)
    assert proxy.layers[0] is not layer  # the trap
    assert unproxied(proxy) is viewer
    assert unproxied(proxy).layers[0] is layer
    assert unproxied(viewer) is viewer
